// Programs as text: what is printed parses as itself, and what is wrong is named with its line.
#include <gtest/gtest.h>

#include <array>

#include "ops/generate.hpp"
#include "ops/program.hpp"

namespace trestle::ops {
namespace {

TEST(Parse, ReadsWhatIsPrintedOfEveryVocabulary) {
  Random random(17);
  for (const Vocabulary* const vocabulary : {&kHeapVocabulary, &kBufferVocabulary, &kBitmapVocabulary,
                                             &kMisuseVocabulary, &kCorruptVocabulary, &kOomVocabulary}) {
    for (int i = 0; i < 200; ++i) {
      const Program program = generate(*vocabulary, random, random.below(70));
      const std::variant<Program, TextError> parsed = parse(to_text(program));
      ASSERT_EQ(parsed, (std::variant<Program, TextError>(program))) << to_text(program);
    }
  }
}

TEST(Parse, TakesFieldsInAnyOrderAndLeavesOthersAtTheirDefaults) {
  const auto parsed = parse("# a heap\n  allocate kind=new[] slot=7 # by new[]\r\n\ncheck");
  const Program expected{Stage{}, {Allocate{.slot = SlotId{7}, .kind = Kind::by_new_array}, Check{}}};
  EXPECT_EQ(parsed, (std::variant<Program, TextError>(expected)));
  EXPECT_EQ(parse(""), (std::variant<Program, TextError>(Program{})));
}

TEST(Parse, ReadsAndPrintsThePagesOfAHeapOfUnits) {
  for (const std::uint32_t page : {256U, 512U, 1024U, 2048U, 4096U}) {
    const Program expected{Stage{.buffer_bytes = 4096, .page_bytes = page}, {Check{}}};
    const std::string text = "stage buffer_bytes=4096 page_bytes=" + std::to_string(page) + "\ncheck";
    EXPECT_EQ(parse(text), (std::variant<Program, TextError>(expected))) << text;
    EXPECT_NE(to_text(expected).find(" page_bytes=" + std::to_string(page) + "\n"), std::string::npos);
  }
  EXPECT_EQ(to_text(Program{}).find("page_bytes"), std::string::npos) << "of another heap it is not told";
}

TEST(Parse, ReadsAndPrintsTheProcessorsButTwo) {
  for (const std::uint8_t count : std::to_array<std::uint8_t>({1, 3, 4})) {
    const Program expected{Stage{.processors = count}, {Check{}}};
    const std::string field = " processors=" + std::to_string(count);
    EXPECT_EQ(parse("stage" + field + "\ncheck"), (std::variant<Program, TextError>(expected)));
    EXPECT_NE(to_text(expected).find(field + "\n"), std::string::npos);
    EXPECT_NE(to_cpp(expected).find(", .processors = " + std::to_string(count) + "}"), std::string::npos);
  }
  EXPECT_EQ(parse("stage processors=2"), (std::variant<Program, TextError>(Program{})));
  EXPECT_EQ(to_text(Program{}).find("processors"), std::string::npos);
  EXPECT_EQ(to_cpp(Program{}).find("processors"), std::string::npos);
}

struct Wrong {
  const char* text;
  std::size_t line;
  const char* what;
};
class ParseError : public testing::TestWithParam<Wrong> {};
INSTANTIATE_TEST_SUITE_P(
    Lines, ParseError,
    testing::Values(Wrong{"check\nfere slot=1", 2, "'fere' is no op"}, Wrong{"free 3", 1, "'3' is not name=value"},
                    Wrong{"free size=3", 1, "'size' is no field of free"},
                    Wrong{"free slot=64", 1, "'64' is no value of 'slot'"},
                    Wrong{"free slot=", 1, "'' is no value of 'slot'"},
                    Wrong{"free slot=1x", 1, "'1x' is no value of 'slot'"},
                    Wrong{"allocate size=18446744073709551616", 1, "'18446744073709551616' is no value of 'size'"},
                    Wrong{"allocate size=-1", 1, "'-1' is no value of 'size'"},
                    Wrong{"allocate alignment=48", 1, "'48' is no value of 'alignment'"},
                    Wrong{"allocate alignment=8", 1, "'8' is no value of 'alignment'"},
                    Wrong{"allocate kind=delete", 1, "'delete' is no value of 'kind'"},
                    Wrong{"misuse what=none", 1, "'none' is no value of 'what'"},
                    Wrong{"stage policy=slow", 1, "'slow' is no value of 'policy'"},
                    Wrong{"stage zeroed=2", 1, "'2' is no value of 'zeroed'"},
                    Wrong{"stage buffer_bytes=32769", 1, "buffer_bytes is 32769, at most 32768"},
                    Wrong{"stage page_bytes=300", 1, "page_bytes is 300, no power of two from 256 to 4096"},
                    Wrong{"stage page_bytes=128", 1, "page_bytes is 128, no power of two from 256 to 4096"},
                    Wrong{"stage page_bytes=8192", 1, "page_bytes is 8192, no power of two from 256 to 4096"},
                    Wrong{"stage processors=0", 1, "processors is 0, not 1 to 4"},
                    Wrong{"stage processors=5", 1, "processors is 5, not 1 to 4"},
                    Wrong{"stage refuse_every=64", 1, "refuse_every without refuse_nth refuses nothing"},
                    Wrong{"free slot=1 slot=2", 1, "'slot' is given twice"},
                    Wrong{"stage\n\nstage", 3, "the stage comes once, and first"},
                    Wrong{"check\nstage", 2, "the stage comes once, and first"}));

TEST_P(ParseError, IsNamedWithItsLine) {
  const auto parsed = parse(GetParam().text);
  ASSERT_TRUE(std::holds_alternative<TextError>(parsed));
  EXPECT_EQ(std::get<TextError>(parsed).line, GetParam().line);
  EXPECT_EQ(std::get<TextError>(parsed).what, GetParam().what);
}

}  // namespace
}  // namespace trestle::ops
