#include "symbols.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "failure.hpp"

namespace trestle::tool {

static void PrintTo(const Place& place, std::ostream* out) { *out << place.function << " at " << place.location; }

namespace {

namespace fs = std::filesystem;

// A folder with a script in the place of a symbolizer, which notes the words that it is started with, and objects.
class SymbolsTest : public testing::Test {
 protected:
  SymbolsTest() {
    std::string name = "/tmp/trestle-symbols-XXXXXX";
    folder_ = mkdtemp(name.data());
    for (const char* const object : {"a", "b"}) fs::copy("/proc/self/exe", folder_ / object);
  }
  ~SymbolsTest() override { fs::remove_all(folder_); }

  Symbols symbols(const std::string& script, unsigned seconds = 20) {
    const fs::path path = folder_ / "addr2line";
    std::ofstream(path) << "#!/bin/sh\necho \"$@\" >>" << folder_.string() << "/started\n" << script << '\n';
    chmod(path.c_str(), 0700);
    return Symbols({path, root_, std::chrono::seconds(seconds)});
  }
  [[nodiscard]] std::string object(const char* name) const { return folder_ / name; }
  [[nodiscard]] std::size_t starts() const {
    std::ifstream file(folder_ / "started");
    std::size_t lines = 0;
    for (std::string line; std::getline(file, line);) ++lines;
    return lines;
  }

  // Of each address, a function that is named after it, in which something was inlined.
  static constexpr const char* kAnswers =
      "while read -r at; do echo $at; echo in_$at; echo /i.c:1; echo f_$at; echo '/f.c:2 (discriminator 3)'; done";
  fs::path folder_;
  std::string root_;
};

Places answer_for(const std::string& offset) { return {{"in_" + offset, "/i.c:1"}, {"f_" + offset, "/f.c:2"}}; }

TEST_F(SymbolsTest, AskOneProcessForEachObject) {
  Symbols all = symbols(kAnswers);
  for (const char* const offset : {"0x10", "0x20", "0x10", "0x0"}) {
    EXPECT_EQ(all.places_of(object("a"), offset), answer_for(offset));
    EXPECT_EQ(all.places_of(object("b"), offset), answer_for(offset));
  }
  EXPECT_EQ(starts(), 2U);
  std::ifstream file(folder_ / "started");
  std::string words;
  std::getline(file, words);
  EXPECT_EQ(words, "-a -f -C -i -e " + object("a"));
  EXPECT_EQ(all.warnings(), std::vector<std::string>{});
}

// Of what is asked behind each offset the last line comes when the next is asked for already.
TEST_F(SymbolsTest, DoNotTakeTheEndOfOneAnswerForTheNext) {
  Symbols all =
      symbols("while read -r at; do printf '%s\\nin_%s\\n/i.c:1\\nf_%s\\n' $at $at $at; sleep 0.05; echo /f.c:2; done");
  for (const char* const offset : {"0x10", "0x20", "0x30"})
    EXPECT_EQ(all.places_of(object("a"), offset), answer_for(offset));
}

TEST_F(SymbolsTest, AskForOffsetsOnly) {
  Symbols all = symbols(kAnswers);
  for (const char* const offset : {"", "0x", "0x1\n0x2", "main", "0x11112222333344445"})
    EXPECT_EQ(all.places_of(object("a"), offset), Places{}) << offset;
  EXPECT_EQ(starts(), 0U);
}

TEST_F(SymbolsTest, NameWhatTellsNothing) {
  Symbols all = symbols(kAnswers);
  std::ofstream(object("text")) << "text";
  mkfifo(object("pipe").c_str(), 0600);
  for (const std::string& name : {object("gone"), object("text"), object("pipe"), std::string("relative")}) {
    EXPECT_EQ(all.places_of(name, "0x10"), Places{});
    EXPECT_EQ(all.places_of(name, "0x20"), Places{});
  }
  EXPECT_EQ(starts(), 0U);
  EXPECT_EQ(
      all.warnings(),
      (std::vector<std::string>{
          object("gone") + ": 2 frames stay as they are: cannot open " + object("gone") + ": No such file or directory",
          object("pipe") + ": 2 frames stay as they are: " + object("pipe") + " is no regular file",
          object("text") + ": 2 frames stay as they are: " + object("text") + " is no 64-bit ELF file",
          "relative: 2 frames stay as they are: it is no absolute path"}));
}

TEST_F(SymbolsTest, NameOnceWhatIsAnotherFile) {
  Symbols all = symbols("while read -r at; do echo $at; echo '?''?'; echo '?''?:0'; done");
  all.reports_are_of("F", {.tv_sec = 1, .tv_nsec = 0});
  EXPECT_EQ(all.places_of(object("a"), "0xfffffffffff0"), Places{});
  EXPECT_EQ(all.warnings(), std::vector<std::string>{
                                object("a") + ": 1 frame stays as it is: it has no code at 0xfffffffffff0, so it is "
                                              "not the file that ran; it changed after F was written"});
}

TEST_F(SymbolsTest, TellOfWhatChangedAfterTheReports) {
  Symbols all = symbols(kAnswers);
  struct stat about{};
  stat(object("a").c_str(), &about);
  timespec written = about.st_mtim;
  all.reports_are_of("F", written);
  EXPECT_EQ(all.places_of(object("a"), "0x10"), answer_for("0x10"));
  EXPECT_EQ(all.warnings(), std::vector<std::string>{}) << "written when it was";
  --written.tv_sec;
  all.reports_are_of("", written);
  EXPECT_EQ(all.places_of(object("a"), "0x10"), answer_for("0x10"));
  EXPECT_EQ(all.warnings(), std::vector<std::string>{}) << "nobody knows when";
  all.reports_are_of("F", written);
  EXPECT_EQ(all.places_of(object("a"), "0x10"), answer_for("0x10"));
  EXPECT_EQ(all.warnings(),
            std::vector<std::string>{object("a") + ": it changed after F was written: its functions and "
                                                   "lines may be another build's"});
}

TEST_F(SymbolsTest, AreNotAskedForWhereTheSymbolizerDied) {
  Symbols all = symbols("read -r at; echo $at; echo f; echo /f.c:1; exit 4");
  EXPECT_EQ(all.places_of(object("a"), "0x10"), (Places{{"f", "/f.c:1"}})) << "it had answered";
  EXPECT_EQ(all.places_of(object("a"), "0x20"), Places{});
  EXPECT_EQ(all.places_of(object("b"), "0x20"), (Places{{"f", "/f.c:1"}})) << "it may be another's fault";
  EXPECT_EQ(starts(), 2U);
  EXPECT_EQ(all.warnings(), std::vector<std::string>{object("a") + ": 1 frame stays as it is: " + object("addr2line") +
                                                     " ended with status 4"});
}

TEST_F(SymbolsTest, AreNotAskedForWhereTheSymbolizerHung) {
  Symbols all = symbols("exec sleep 100", 1);
  EXPECT_EQ(all.places_of(object("a"), "0x10"), Places{});
  EXPECT_EQ(all.places_of(object("b"), "0x20"), Places{});
  EXPECT_EQ(starts(), 1U);
  EXPECT_EQ(all.warnings(), (std::vector<std::string>{object("a") + ": 1 frame stays as it is: " + object("addr2line") +
                                                          " did not answer within 1 s",
                                                      object("b") + ": 1 frame stays as it is: not asked for, since " +
                                                          object("addr2line") + " took too long over " + object("a")}));
}

TEST_F(SymbolsTest, OfManyObjectsDoNotKeepAllProcesses) {
  Symbols all = symbols(kAnswers);
  const auto ask_twice = [&](int i) {
    const std::string name = object("many") + std::to_string(i);
    fs::create_hard_link(object("a"), name);
    EXPECT_EQ(all.places_of(name, "0x10"), answer_for("0x10"));
    EXPECT_EQ(all.places_of(name, "0x20"), answer_for("0x20"));
  };
  for (int i = 0; i < 17; ++i) ask_twice(i);
  EXPECT_EQ(all.places_of(object("many16"), "0x30"), answer_for("0x30"));
  EXPECT_EQ(starts(), 17U);
  EXPECT_EQ(all.places_of(object("many0"), "0x30"), answer_for("0x30"));
  EXPECT_EQ(starts(), 18U) << "the one that was asked the longest ago had to go";
}

TEST_F(SymbolsTest, LieBelowARoot) {
  root_ = folder_;
  Symbols all = symbols(kAnswers);
  EXPECT_EQ(all.places_of("/a", "0x10"), answer_for("0x10"));
  EXPECT_EQ(all.places_of("/gone", "0x10"), Places{});
  EXPECT_EQ(all.warnings(), std::vector<std::string>{"/gone: 1 frame stays as it is: cannot open " + object("gone") +
                                                     ": No such file or directory"});
}

std::pair<int, std::string> failure_of(const std::string& name) {
  try {
    return {0, path_of_symbolizer(name)};
  } catch (const Failure& failure) {
    return {failure.status, failure.what()};
  }
}

TEST_F(SymbolsTest, NeedASymbolizer) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", folder_.c_str(), 1);
  EXPECT_EQ(failure_of(""),
            std::make_pair(kNotFound, std::string("no symbolizer: neither llvm-symbolizer nor addr2line is in "
                                                  "PATH; --symbolizer names another")));
  (void)symbols("");
  EXPECT_EQ(failure_of(""), std::make_pair(0, object("addr2line")));
  EXPECT_EQ(failure_of("addr2line"), std::make_pair(0, object("addr2line")));
  EXPECT_EQ(failure_of("nm").second, "no symbolizer: nm is not in PATH");
  EXPECT_EQ(failure_of("/nowhere").second, "no symbolizer: /nowhere: No such file or directory");
  EXPECT_EQ(failure_of("/tmp"),
            std::make_pair(kNotExecutable, std::string("no symbolizer: /tmp is no program that can be run")));
  fs::copy(object("addr2line"), object("llvm-symbolizer"));
  EXPECT_EQ(failure_of(""), std::make_pair(0, object("llvm-symbolizer")));
  setenv("PATH", path.c_str(), 1);
}

}  // namespace
}  // namespace trestle::tool
