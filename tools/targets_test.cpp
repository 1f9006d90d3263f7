#include "targets.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "failure.hpp"

namespace trestle::tool {
namespace {

// The text that parsing ends in; empty where it does not fail.
std::string complaint_of(const std::string& text) {
  std::istringstream lines(text);
  try {
    static_cast<void>(parse_targets(lines));
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "";
}

TEST(Targets, AreReadWithTheirKindsAndDescriptions) {
  std::istringstream lines("heap_ops\tops\tprograms, over a heap\noptions\tbytes\tan option string\n");
  const std::vector<Target> targets = parse_targets(lines);
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0].name, "heap_ops");
  EXPECT_TRUE(targets[0].takes_ops());
  EXPECT_EQ(targets[0].description, "programs, over a heap");
  EXPECT_EQ(targets[1].name, "options");
  EXPECT_FALSE(targets[1].takes_ops());
}

TEST(Targets, NameTheLineThatIsNone) {
  EXPECT_NE(complaint_of("a\tops\ttext\nb\tops\n").find("line 2"), std::string::npos);
  EXPECT_NE(complaint_of("a\tops\t\n").find("line 1"), std::string::npos);
  EXPECT_NE(complaint_of("\tops\ttext\n").find("line 1"), std::string::npos);
  EXPECT_NE(complaint_of("a\n").find("line 1"), std::string::npos);
  EXPECT_NE(complaint_of("a\tpos\ttext\n").find("kind 'pos' of a"), std::string::npos);
}

TEST(Targets, NameTheKnownOnesWhenOneIsNot) {
  const std::vector<Target> targets{{"heap_ops", "ops", "x"}, {"oom", "ops", "y"}};
  EXPECT_EQ(target_named(targets, "oom").description, "y");
  try {
    static_cast<void>(target_named(targets, "heap"));
    FAIL() << "found a target that is not there";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status, kUsage);
    EXPECT_STREQ(failure.what(), "fuzz: unknown target 'heap'; there are: heap_ops oom");
  }
}

TEST(Targets, OfOpsAreLongFromTheStart) {
  const std::vector<std::string> ops = base_options({"a", "ops", "x"});
  EXPECT_EQ(ops, (std::vector<std::string>{"-print_final_stats=1", "-timeout=20", "-len_control=0", "-max_len=512",
                                           "-entropic=0"}));
  EXPECT_EQ(base_options({"a", "bytes", "x"}), (std::vector<std::string>{"-print_final_stats=1", "-timeout=20"}));
}

TEST(Targets, HaveTheSeedsThatAreThere) {
  namespace fs = std::filesystem;
  std::string name = testing::TempDir() + "trestle-seeds-XXXXXX";
  const fs::path directory = mkdtemp(name.data());
  const Target target{"oom", "ops", "x"};
  EXPECT_TRUE(seeds_of(target, directory).empty());
  fs::create_directories(directory / "regressions/oom");
  fs::create_directories(directory / "corpus/heap_ops");
  EXPECT_EQ(seeds_of(target, directory), std::vector<std::string>{directory / "regressions/oom"});
  fs::create_directories(directory / "corpus/oom");
  EXPECT_EQ(seeds_of(target, directory),
            (std::vector<std::string>{directory / "corpus/oom", directory / "regressions/oom"}));
  fs::remove_all(directory);
}

TEST(Targets, AreNotReadWhereThereIsNoList) {
  try {
    static_cast<void>(read_targets("/nowhere"));
    FAIL() << "read a list that is not there";
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("/nowhere/targets.txt"), std::string::npos);
  }
}

}  // namespace
}  // namespace trestle::tool
