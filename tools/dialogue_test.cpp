#include "dialogue.hpp"

#include <gtest/gtest.h>

#include "failure.hpp"

namespace trestle::tool {
namespace {

using std::chrono::milliseconds;

bool has_line(std::string_view text) { return text.find('\n') != std::string_view::npos; }
Dialogue shell(const std::string& script) { return Dialogue({"/bin/sh", "-c", script}); }

TEST(Dialogue, AnswersOneQuestionAfterTheOther) {
  Dialogue dialogue = shell("while read -r line; do echo \"$LC_ALL: $line\"; done");
  EXPECT_EQ(dialogue.ask("one\n", milliseconds(20'000), has_line), "C: one\n");
  EXPECT_EQ(dialogue.ask("two\n", milliseconds(20'000), has_line), "C: two\n");
  EXPECT_EQ(dialogue.trouble(), "");
}

TEST(Dialogue, WithOneThatDiesTellsHow) {
  Dialogue exits = shell("read -r line; printf half; exit 3");
  EXPECT_EQ(exits.ask("one\n", milliseconds(20'000), has_line), "half");
  EXPECT_EQ(exits.trouble(), "ended with status 3");
  EXPECT_EQ(exits.ask("two\n", milliseconds(20'000), has_line), "");
  Dialogue killed = shell("kill -SEGV $$");
  EXPECT_EQ(killed.ask("one\n", milliseconds(20'000), has_line), "");
  EXPECT_EQ(killed.trouble(), "was killed: Segmentation fault");
  EXPECT_FALSE(killed.is_late());
}

TEST(Dialogue, WithOneThatHangsIsOver) {
  const auto begun = std::chrono::steady_clock::now();
  Dialogue dialogue = shell("printf half; exec sleep 100");
  EXPECT_EQ(dialogue.ask("one\n", milliseconds(1000), has_line), "half");
  EXPECT_EQ(dialogue.trouble(), "did not answer within 1 s");
  EXPECT_TRUE(dialogue.is_late());
  Dialogue closed = shell("exec >&- <&-; exec sleep 100");
  EXPECT_EQ(closed.ask("one\n", milliseconds(20'000), has_line), "");
  EXPECT_EQ(closed.trouble(), "closed its output");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(15));
}

TEST(Dialogue, WithOneThatNeverStopsIsOver) {
  Dialogue dialogue = shell("exec yes 1234567890123456789012345678901234567890 | tr -d '\\n'");
  EXPECT_GT(dialogue.ask("one\n", milliseconds(20'000), has_line).size(), std::size_t{4} << 20);
  EXPECT_EQ(dialogue.trouble(), "said too much");
}

TEST(Dialogue, WithNoProgramFails) {
  try {
    const Dialogue dialogue({"/nonexistent"});
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_STREQ(failure.what(), "cannot run /nonexistent: No such file or directory");
    EXPECT_EQ(failure.status, kNotFound);
  }
}

}  // namespace
}  // namespace trestle::tool
