// Suppressions: which names a pattern is found in, and what a file of them may hold.
#include "report/suppressions.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <memory>
#include <random>
#include <regex>
#include <string>

#include "child.hpp"
#include "os/faltering_call.hpp"

namespace trestle {
namespace {

TEST(Patterns, AreFoundAnywhere) {
  EXPECT_TRUE(is_pattern_in("make", "xmake_all"));
  EXPECT_TRUE(is_pattern_in("make", "make"));
  EXPECT_FALSE(is_pattern_in("make", "mak"));
  EXPECT_FALSE(is_pattern_in("make", ""));
  EXPECT_TRUE(is_pattern_in("", "anything"));
}

TEST(Patterns, HaveStarsForAnyCharacters) {
  EXPECT_TRUE(is_pattern_in("ma*all", "make_all"));
  EXPECT_TRUE(is_pattern_in("ma*ke", "xmakey"));
  EXPECT_TRUE(is_pattern_in("*", ""));
  EXPECT_TRUE(is_pattern_in("a**b", "ab"));
  EXPECT_TRUE(is_pattern_in("a*b*c", "xaxbxcx"));
  EXPECT_FALSE(is_pattern_in("a*b*c", "acb"));
}

TEST(Patterns, MayBeTiedToBothEnds) {
  EXPECT_TRUE(is_pattern_in("^make", "make_all"));
  EXPECT_FALSE(is_pattern_in("^make", "remake"));
  EXPECT_TRUE(is_pattern_in("all$", "make_all"));
  EXPECT_FALSE(is_pattern_in("all$", "all_of"));
  EXPECT_TRUE(is_pattern_in("^all$", "all"));
  EXPECT_FALSE(is_pattern_in("^all$", "all all"));
  EXPECT_TRUE(is_pattern_in("^a*b$", "ab") && is_pattern_in("^a*b$", "a_b_b"));
  EXPECT_FALSE(is_pattern_in("^ab*ba$", "aba")) << "the two pieces may not share a character";
  EXPECT_TRUE(is_pattern_in("^$", ""));
  EXPECT_FALSE(is_pattern_in("^$", "x"));
}

TEST(Patterns, MeanWhatARegularExpressionWould) {
  std::mt19937 random(11);
  const auto word = [&](const std::string& letters, std::size_t most) {
    std::string made;
    for (std::size_t i = random() % (most + 1); i-- > 0;) made += letters[random() % letters.size()];
    return made;
  };
  int found = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string middle = word("ab*", 5);
    const bool first = random() % 3 == 0;
    const bool last = random() % 3 == 0;
    std::string expression = first ? "^" : "";
    for (const char c : middle) expression += c == '*' ? std::string(".*") : std::string(1, c);
    expression += last ? "$" : "";
    const std::string pattern = (first ? "^" : "") + middle + (last ? "$" : "");
    const std::string name = word("ab", 7);
    const bool wanted = std::regex_search(name, std::regex(expression));
    EXPECT_EQ(is_pattern_in(pattern, name), wanted) << pattern << " in " << name;
    found += wanted;
  }
  EXPECT_GT(found, 500);
  EXPECT_LT(found, 4500);
}

class SuppressionsFile : public testing::Test {
 protected:
  void SetUp() override {
    const int file = mkstemp(path_.data());
    ASSERT_GE(file, 0);
    close(file);
  }
  void TearDown() override { unlink(path_.c_str()); }
  bool read(const std::string& text) {
    std::ofstream(path_) << text;
    return suppressions_.read(path_.c_str());
  }
  std::string path_ = "/tmp/suppressions-XXXXXX";
  Suppressions suppressions_;
};

TEST_F(SuppressionsFile, HasAPatternALine) {
  ASSERT_TRUE(read("# of others\nleak:^make_\n\n  \t\nparse.c  # the parser\r\nleak:\nlast"));
  EXPECT_TRUE(suppressions_.match("make_x"));
  EXPECT_FALSE(suppressions_.match("remake_x"));
  EXPECT_TRUE(suppressions_.match("/src/parse.c:12"));
  EXPECT_TRUE(suppressions_.match("the last one"));
  EXPECT_FALSE(suppressions_.match("of others")) << "a comment";
  EXPECT_FALSE(suppressions_.match("the parser"));
  EXPECT_FALSE(suppressions_.match("")) << "no empty pattern";
}

TEST_F(SuppressionsFile, TakesNamesThatHaveTheSignOfComments) {
  ASSERT_TRUE(read("lambda#1\tx\nleak:lambda#2 # the second\n\t#3\n"));
  EXPECT_FALSE(suppressions_.match("lambda#1"));
  EXPECT_TRUE(suppressions_.match("lambda#1\tx"));
  EXPECT_TRUE(suppressions_.match("main::lambda#2::operator()"));
  EXPECT_FALSE(suppressions_.match("#3"));
}

TEST_F(SuppressionsFile, MayBeEmpty) {
  ASSERT_TRUE(read(""));
  EXPECT_TRUE(suppressions_.is_empty());
  EXPECT_FALSE(suppressions_.match("x"));
}

TEST_F(SuppressionsFile, IsReadAlsoByTheByteAndAcrossSignals) {
  std::ofstream(path_) << "first\nsecond\n";
  for (const int error : {EINTR, 0}) {
    EXPECT_EQ(run_in_child([&] {
                if (!falter(SYS_read, 5, error)) return 1;
                if (!suppressions_.read(path_.c_str()) || Faltering::times != 0) return 2;
                return suppressions_.match("the first") && suppressions_.match("the second") ? 0 : 3;
              }),
              0)
        << error;
  }
}

TEST_F(SuppressionsFile, IsNotReadWhereTheSystemRefuses) {
  std::ofstream(path_) << "first\n";
  for (const long call : {SYS_read, SYS_mmap, SYS_mprotect, SYS_openat}) {
    EXPECT_EQ(run_in_child([&] {
                if (!forbid_call(call, SECCOMP_RET_ERRNO | ENOMEM)) return 1;
                errno = 77;
                if (suppressions_.read(path_.c_str()) || errno != 77) return 2;
                return suppressions_.is_empty() && !suppressions_.match("first") ? 0 : 3;
              }),
              0)
        << call;
  }
}

TEST_F(SuppressionsFile, HasToBeAFileOfSomeSize) {
  errno = 77;
  EXPECT_FALSE(suppressions_.read("/nonexistent"));
  EXPECT_FALSE(suppressions_.read("/tmp"));
  EXPECT_FALSE(suppressions_.read("/dev/zero"));
  const std::string pipe = path_ + ".pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_FALSE(suppressions_.read(pipe.c_str())) << "nobody writes there";
  unlink(pipe.c_str());
  EXPECT_FALSE(read(std::string((1 << 20) + 1, 'x')));
  EXPECT_EQ(errno, 77);
  EXPECT_TRUE(suppressions_.is_empty());
}

}  // namespace
}  // namespace trestle
