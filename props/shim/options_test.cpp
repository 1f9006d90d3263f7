#include "shim/options.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trestle {
namespace {

using Warnings = std::vector<std::pair<std::string, std::string>>;
Warnings warnings;

Options parsed(std::string_view text) {
  warnings.clear();
  Options options;
  parse_options(text, options, [](std::string_view word, std::string_view why) { warnings.emplace_back(word, why); });
  return options;
}

TEST(Options, ReadsEachOne) {
  const Options options = parsed(
      "abort=0:abort_on_mismatch=1:reports_per_minute=4:check_at_exit=1:handle_segv=1:leak_check=1:sweep=1:unwind_"
      "tables=1:leak_"
      "suppressions=/"
      "tmp/s:sample=9:sample_below=3:check_every=100:decay_"
      "ms=5:dirty_bytes=4096:summary=/tmp/a=b:symbolizer=/"
      "usr/bin/"
      "addr2line");
  EXPECT_TRUE(options.check_at_exit);
  EXPECT_TRUE(options.handle_segv);
  EXPECT_TRUE(options.leak_check);
  EXPECT_TRUE(options.sweep);
  EXPECT_TRUE(options.unwind_tables);
  EXPECT_STREQ(options.leak_suppressions.data(), "/tmp/s");
  EXPECT_FALSE(options.abort);
  EXPECT_TRUE(options.abort_on_mismatch);
  EXPECT_EQ(options.reports_per_minute, 4U);
  EXPECT_EQ(options.sample, 9U);
  EXPECT_EQ(options.sample_below, 3U);
  EXPECT_EQ(options.check_every, 100U);
  EXPECT_EQ(options.decay_ms, 5U);
  EXPECT_EQ(options.dirty_bytes, 4096U);
  EXPECT_STREQ(options.summary.data(), "/tmp/a=b");
  EXPECT_STREQ(options.symbolizer.data(), "/usr/bin/addr2line");
  EXPECT_EQ(warnings, Warnings{});
}

TEST(Options, HasOneSampleInFourTheOtherWayRoundUnlessEachIsOne) {
  EXPECT_EQ(parsed("sample=5000").samples_below(), 4U);
  EXPECT_EQ(parsed("").samples_below(), 4U);
  EXPECT_EQ(parsed("sample=1").samples_below(), 0U);
  EXPECT_EQ(parsed("sample=1:sample_below=2").samples_below(), 2U);
  EXPECT_EQ(parsed("sample=5000:sample_below=0").samples_below(), 0U);
}

TEST(Options, LeavesWhatIsNotMentioned) {
  const Options options = parsed("check_every=7");
  EXPECT_FALSE(options.check_at_exit);
  EXPECT_EQ(options.decay_ms, 1000U);
  EXPECT_EQ(options.dirty_bytes, 256U << 20);
  EXPECT_STREQ(options.summary.data(), "");
  EXPECT_STREQ(options.symbolizer.data(), "");
}

TEST(Options, LetsTheLastOneWin) {
  EXPECT_EQ(parsed("decay_ms=1:decay_ms=2").decay_ms, 2U);
  EXPECT_FALSE(parsed("check_at_exit=1:check_at_exit=0").check_at_exit);
}

TEST(Options, TakesNoMoreReportsThanItCanCount) {
  EXPECT_EQ(parsed("reports_per_minute=4294967295").reports_per_minute, UINT32_MAX);
  EXPECT_EQ(parsed("reports_per_minute=4294967296").reports_per_minute, Options{}.reports_per_minute);
  EXPECT_EQ(warnings, (Warnings{{"reports_per_minute=4294967296", "not a valid value"}}));
}

TEST(Options, TakesSuffixesForBytes) {
  EXPECT_EQ(parsed("dirty_bytes=3k").dirty_bytes, 3U << 10);
  EXPECT_EQ(parsed("dirty_bytes=3K").dirty_bytes, 3U << 10);
  EXPECT_EQ(parsed("dirty_bytes=3m").dirty_bytes, 3U << 20);
  EXPECT_EQ(parsed("dirty_bytes=3G").dirty_bytes, std::uint64_t{3} << 30);
  EXPECT_EQ(warnings, Warnings{});
}

TEST(Options, TakesSuffixesForBytesOnly) {
  EXPECT_EQ(parsed("check_every=3k").check_every, 0U);
  EXPECT_EQ(warnings, (Warnings{{"check_every=3k", "not a valid value"}}));
}

TEST(Options, NamesAnUnknownWord) {
  EXPECT_EQ(parsed("chek=1:decay_ms=2:Decay_ms=3:=4:decay_ms =5").decay_ms, 2U);
  EXPECT_EQ(warnings, (Warnings{{"chek=1", "unknown option"},
                                {"Decay_ms=3", "unknown option"},
                                {"=4", "unknown option"},
                                {"decay_ms =5", "unknown option"}}));
}

TEST(Options, NamesABadValueAndKeepsTheOldOne) {
  for (const std::string word : {"decay_ms=", "decay_ms=x", "decay_ms=-1", "decay_ms=+1", "decay_ms=1x", "decay_ms= 1",
                                 "decay_ms=1.5", "decay_ms=0x10", "decay_ms==1"}) {
    EXPECT_EQ(parsed("decay_ms=9:" + word).decay_ms, 9U) << word;
    EXPECT_EQ(warnings, (Warnings{{word, "not a valid value"}}));
  }
  for (const std::string word : {"check_at_exit=2", "check_at_exit=yes", "check_at_exit="}) {
    EXPECT_TRUE(parsed("check_at_exit=1:" + word).check_at_exit) << word;
    EXPECT_EQ(warnings, (Warnings{{word, "not a valid value"}}));
  }
}

TEST(Options, RefusesWhatOverflows) {
  EXPECT_EQ(parsed("decay_ms=18446744073709551615").decay_ms, UINT64_MAX);
  EXPECT_EQ(parsed("decay_ms=18446744073709551616").decay_ms, 1000U);
  EXPECT_EQ(warnings.size(), 1U);
  EXPECT_EQ(parsed("dirty_bytes=17179869183g").dirty_bytes, std::uint64_t{17179869183} << 30);
  EXPECT_EQ(parsed("dirty_bytes=17179869184g").dirty_bytes, 256U << 20);
  EXPECT_EQ(warnings, (Warnings{{"dirty_bytes=17179869184g", "not a valid value"}}));
}

TEST(Options, RefusesASuffixAlone) {
  EXPECT_EQ(parsed("dirty_bytes=k:dirty_bytes=1kk:dirty_bytes=1t").dirty_bytes, 256U << 20);
  EXPECT_EQ(warnings.size(), 3U);
}

TEST(Options, NamesAMissingValue) {
  EXPECT_EQ(parsed("check_every:summary").check_every, 0U);
  EXPECT_EQ(warnings, (Warnings{{"check_every", "no value given"}, {"summary", "no value given"}}));
}

TEST(Options, PassesOverEmptyWords) {
  EXPECT_EQ(parsed("::decay_ms=3:::check_every=4:").decay_ms, 3U);
  EXPECT_EQ(parsed("::decay_ms=3:::check_every=4:").check_every, 4U);
  EXPECT_EQ(parsed("").decay_ms, 1000U);
  EXPECT_EQ(parsed(":").decay_ms, 1000U);
  EXPECT_EQ(warnings, Warnings{});
}

TEST(Options, RefusesAPathThatDoesNotFit) {
  const std::string longest(kMaxPath - 1, 'p');
  EXPECT_EQ(std::string(parsed("summary=" + longest).summary.data()), longest);
  EXPECT_EQ(warnings, Warnings{});
  EXPECT_STREQ(parsed("summary=" + longest + "p").summary.data(), "");
  EXPECT_EQ(warnings.size(), 1U);
}

TEST(Options, TakesThePathOfAReportWithItsColon) {
  const Options options = parsed("decay_ms=5:report=json:/tmp/a=b:check_every=7");
  EXPECT_STREQ(options.json.data(), "/tmp/a=b");
  EXPECT_EQ(options.decay_ms, 5U);
  EXPECT_EQ(options.check_every, 7U);
  EXPECT_EQ(warnings, Warnings{});
  for (const std::string word : {"report=json", "report=json:", "report=xml", "report=/tmp/x", "report="}) {
    EXPECT_STREQ(parsed(word).json.data(), "") << word;
    EXPECT_EQ(warnings, (Warnings{{word, "not a valid value"}}));
  }
  EXPECT_STREQ(parsed("report=json::check_every=7").json.data(), "");
  EXPECT_EQ(warnings, (Warnings{{"report=json:", "not a valid value"}}))
      << "the path is empty, the next word is not it";
  EXPECT_EQ(parsed("report=json::check_every=7").check_every, 7U);
}

// Every row of the table sets something: an option that does nothing would be a lie in `trestle options`.
TEST(Options, HaveNoRowThatDoesNothing) {
  for (const OptionRow& row : trestle_options_table) {
    Options fresh;
    fresh.abort = false;
    Options options = fresh;
    parse_options(std::string(row.name) + (row.type == OptionType::json_path ? "=json:1" : "=1"), options,
                  [](std::string_view word, std::string_view) { ADD_FAILURE() << word; });
    EXPECT_NE(options, fresh) << row.name;
    EXPECT_FALSE(row.help.empty()) << row.name;
    EXPECT_FALSE(row.default_text.empty()) << row.name;
  }
}

}  // namespace
}  // namespace trestle
