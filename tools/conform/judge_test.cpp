#include "conform/judge.hpp"

#include <gtest/gtest.h>

#include <csignal>

#include "failure.hpp"

namespace trestle::tool {
namespace {

const ConformCase kRule{"conformance", "malloc.apart", "C11", "apart", ""};
const ConformCase kMistake{"misuse", "double_free.small", "double free", "at once", "double.free|freed twice"};

Heard heard(const std::string& out, const std::string& err = "", int status = 0) {
  Heard one;
  one.ended = {};
  one.ended.status = status;
  one.ended.signal = status > kSignalled ? status - kSignalled : 0;
  one.out = out;
  one.err = err;
  return one;
}

ConformResult judged(const ConformCase& about, const Heard& what) { return judge(about, what, 30); }

TEST(Judge, KnowsTheVerdictsOfARule) {
  EXPECT_EQ(judged(kRule, heard("conform\tpassed\t\n")).verdict, Verdict::passed);
  EXPECT_EQ(judged(kRule, heard("conform\tabsent\tnot there\n")).verdict, Verdict::absent);
  EXPECT_EQ(judged(kRule, heard("conform\tshort\ttoo much\n")).verdict, Verdict::fell_short);
  const ConformResult violated = judged(kRule, heard("noise\nconform\tviolated\ttwo overlap\n", "", 1));
  EXPECT_EQ(violated.verdict, Verdict::violated);
  EXPECT_EQ(violated.found, "two overlap");
}

TEST(Judge, TakesACrashAHangAndSilenceForViolations) {
  const ConformResult crashed = judged(kRule, heard("", "bad heap\n", kSignalled + SIGSEGV));
  EXPECT_EQ(crashed.verdict, Verdict::violated);
  EXPECT_EQ(crashed.found, "ended by Segmentation fault: bad heap");
  EXPECT_EQ(judged(kRule, heard("", "", kSignalled + SIGALRM)).found, "did not end within 30 s");
  EXPECT_EQ(judged(kRule, heard("", "", 0)).verdict, Verdict::violated);
  EXPECT_EQ(judged(kRule, heard("conform\tpassed\t\n", "", kSignalled + SIGABRT)).verdict, Verdict::violated);
}

TEST(Judge, NamesAMisuseByItsOwnWords) {
  const std::string about = "conform\tabout\t0x7f00aa10\n";
  const ConformResult named =
      judged(kMistake,
             heard(about, "==1==ERROR: Double free in free(0x7f00aa10)\n    #0 0x1 in main\n", kSignalled + SIGABRT));
  EXPECT_EQ(named.verdict, Verdict::named);
  EXPECT_TRUE(named.has_address);
  EXPECT_TRUE(named.has_stack);
  EXPECT_EQ(judged(kMistake, heard(about + "conform\tpassed\t\n", "freed twice\n")).verdict, Verdict::named);
  EXPECT_EQ(judged(kMistake, heard(about, "invalid pointer\n", kSignalled + SIGABRT)).verdict, Verdict::stopped);
}

TEST(Judge, WantsTheVeryAddress) {
  const std::string about = "conform\tabout\t0x7f00aa10\n";
  EXPECT_TRUE(judged(kMistake, heard(about, "double free of 0x000000007f00aa10\n")).has_address);
  EXPECT_FALSE(judged(kMistake, heard(about, "double free of 0x7f00aa100\n")).has_address);
  EXPECT_FALSE(judged(kMistake, heard(about, "double free of 0x17f00aa10\n")).has_address);
  EXPECT_FALSE(judged(kMistake, heard(about, "double free of 0x7f00aa20\n")).has_address);
}

TEST(Judge, KnowsWhatBecomesOfASilentMisuse) {
  EXPECT_EQ(judged(kMistake, heard("conform\tpassed\t\n")).verdict, Verdict::survived);
  EXPECT_EQ(judged(kMistake, heard("conform\tviolated\toverlap\n", "", 1)).verdict, Verdict::damaged);
  EXPECT_EQ(judged(kMistake, heard("", "", kSignalled + SIGALRM)).verdict, Verdict::hung);
  EXPECT_EQ(judged(kMistake, heard("", "", kSignalled + SIGSEGV)).verdict, Verdict::stopped);
}

TEST(Judge, ReadsCasesChoicesAndSeeds) {
  const std::vector<ConformCase> cases = parse_cases("conform\tcase\tops\tops.programs\tC11\twhat\t\n");
  ASSERT_EQ(cases.size(), 1U);
  EXPECT_EQ(cases[0].name, "ops.programs");
  EXPECT_THROW((void)parse_cases("conform\tcase\tops\n"), Failure);
  const ConformResult result = judged(
      kRule, heard("conform\tchoice\tmalloc(0)\tnull\nconform\tanswers\t++0\nconform\tseed\t7\nconform\tpassed\t\n"));
  ASSERT_EQ(result.choices.size(), 1U);
  EXPECT_EQ(result.choices[0].second, "null");
  EXPECT_EQ(result.answers, std::vector<std::string>{"++0"});
  EXPECT_EQ(result.seed, "7");
}

ConformResult with(const std::string& area, Verdict verdict, bool address = false, bool stack = false) {
  ConformResult result;
  result.about.area = area;
  result.about.name = area;
  result.verdict = verdict;
  result.has_address = address;
  result.has_stack = stack;
  return result;
}

TEST(Score, FollowsItsFormula) {
  Examined library;
  library.results = {with("conformance", Verdict::passed),        with("conformance", Verdict::violated),
                     with("conformance", Verdict::fell_short),    with("conformance", Verdict::absent),
                     with("misuse", Verdict::named, true, false), with("misuse", Verdict::stopped),
                     with("misuse", Verdict::survived),           with("misuse", Verdict::damaged)};
  EXPECT_DOUBLE_EQ(score_of(library, "conformance").points, 1.5);
  EXPECT_DOUBLE_EQ(score_of(library, "conformance").of, 3);
  EXPECT_DOUBLE_EQ(score_of(library, "misuse").points, 7);
  EXPECT_DOUBLE_EQ(score_of(library, "misuse").of, 20);
  EXPECT_DOUBLE_EQ(overall_score(library), (50.0 + 35.0) / 2);
  EXPECT_EQ(count_of(library, "misuse", Verdict::named), 1U);
  EXPECT_TRUE(has_violation({"", "", {library}, {}}));
  library.results.erase(library.results.begin() + 1);
  EXPECT_FALSE(has_violation({"", "", {library}, {}}));
}

TEST(Choices, StandSideBySide) {
  Examined one;
  one.allocator.name = "one";
  one.results = {with("ops", Verdict::passed)};
  one.results[0].choices = {{"malloc(0)", "null"}};
  one.results[0].answers = {"++", "+0", "0+"};
  Examined other = one;
  other.allocator.name = "other";
  other.results[0].choices.clear();
  other.results[0].answers = {"++", "++", "++"};
  const Examination examination{"", "", {one, other}, {}};
  ASSERT_EQ(choices_of(examination).size(), 1U);
  EXPECT_EQ(choices_of(examination)[0].answers, (std::vector<std::string>{"null", "-"}));
  ASSERT_EQ(differences_of(examination).size(), 1U);
  EXPECT_EQ(differences_of(examination)[0], "ops: 2 of 3 programs; of the first, one said \"+0\" and other \"++\"");
}

}  // namespace
}  // namespace trestle::tool
