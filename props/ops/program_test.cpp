#include "ops/program.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "ops/fake_engine.hpp"
#include "ops/generate.hpp"

namespace trestle::ops {
namespace {

constexpr std::size_t kPtrdiffMax = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());

std::vector<std::uint8_t> random_bytes(Random& random, std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) byte = random.byte();
  return bytes;
}
Program decoded(const Vocabulary& vocabulary, const std::vector<std::uint8_t>& bytes) {
  Program program;
  decode(vocabulary, bytes, program);
  return program;
}

class EachVocabulary : public testing::TestWithParam<const Vocabulary*> {
 protected:
  [[nodiscard]] static const Vocabulary& vocabulary() { return *GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(All, EachVocabulary,
                         testing::Values(&kHeapVocabulary, &kBufferVocabulary, &kBitmapVocabulary, &kMisuseVocabulary,
                                         &kCorruptVocabulary, &kOomVocabulary),
                         [](const auto& planted) { return std::string(planted.param->name); });

TEST_P(EachVocabulary, DecodesWhatItEncodes) {
  Random random(11);
  for (int i = 0; i < 500; ++i) {
    const Program program = generate(vocabulary(), random, random.below(80));
    const auto bytes = encode(vocabulary(), program);
    ASSERT_TRUE(bytes.has_value()) << to_text(program);
    EXPECT_EQ(bytes->size(), (program.ops.size() + 1) * kRecordBytes);
    EXPECT_EQ(decoded(vocabulary(), *bytes), program) << to_text(program);
  }
}

TEST_P(EachVocabulary, TakesEveryStringOfBytesForALegalProgram) {
  Random random(12);
  FakeHost host(Bug::none);
  for (int i = 0; i < 500; ++i) {
    const auto bytes = random_bytes(random, random.below(600));
    const Program program = decoded(vocabulary(), bytes);
    EXPECT_EQ(program.ops.size(), bytes.size() < kRecordBytes ? 0 : bytes.size() / kRecordBytes - 1);
    for (const Op& op : program.ops) {
      const Operands operands = std::visit([](const auto& one) { return operands_of(one); }, op);
      EXPECT_TRUE(std::has_single_bit(operands.alignment));
      EXPECT_GE(operands.alignment, kMinAlignment);
      EXPECT_LT(static_cast<std::size_t>(operands.slot), kSlots);
      EXPECT_NE(operands.kind, Kind::none);
    }
    const std::optional<Failure> failure = run(program, host);
    EXPECT_FALSE(failure.has_value()) << failure->detail << to_text(program);
  }
}

TEST_P(EachVocabulary, DroppingAnOpLeavesTheMeaningOfTheRest) {
  Random random(13);
  const auto bytes = random_bytes(random, 20 * kRecordBytes);
  Program whole = decoded(vocabulary(), bytes);
  for (std::size_t op = 0; op < whole.ops.size(); ++op) {
    auto fewer = bytes;
    const auto at = fewer.begin() + static_cast<std::ptrdiff_t>((op + 1) * kRecordBytes);
    fewer.erase(at, at + kRecordBytes);
    Program expected = whole;
    expected.ops.erase(expected.ops.begin() + static_cast<std::ptrdiff_t>(op));
    EXPECT_EQ(decoded(vocabulary(), fewer), expected);
  }
}

TEST_P(EachVocabulary, ReachesTheSizesThatMatter) {
  const auto reaches = [](std::size_t size) {
    return encode(vocabulary(), Allocate{.slot = SlotId{0}, .size = size}).has_value();
  };
  for (const std::size_t size : {0UL, 1UL, 15UL, 16UL, 17UL, 63UL, 64UL, 65UL, 1023UL, 1024UL, 1025UL, 4095UL, 4096UL,
                                 4097UL, 65535UL, 65536UL, 1UL << 20, kPtrdiffMax, kPtrdiffMax + 1})
    EXPECT_TRUE(reaches(size)) << size;
}

TEST(Program, CannotBeWrittenDownWithASizeOutsideOfTheVocabulary) {
  EXPECT_FALSE(encode(kHeapVocabulary, Allocate{.slot = SlotId{0}, .size = std::size_t{1} << 40}).has_value());
  EXPECT_FALSE(
      encode(kHeapVocabulary, Allocate{.slot = SlotId{0}, .size = 1, .alignment = std::size_t{1} << 30}).has_value());
  EXPECT_FALSE(encode(kHeapVocabulary, Grow{.by = 64}).has_value());
  EXPECT_FALSE(encode(kBufferVocabulary, Program{{}, {Trim{.keep = 0}}}).has_value());
}

// Two where the record says nothing of them, in bytes as in text; of a heap alone.
TEST(Program, SaysHowManyProcessorsThereAre) {
  for (const Vocabulary* const vocabulary :
       {&kHeapVocabulary, &kMisuseVocabulary, &kCorruptVocabulary, &kOomVocabulary, &kThreadsVocabulary}) {
    for (const std::uint8_t count : std::to_array<std::uint8_t>({1, 2, 3, 4})) {
      const Program program{Stage{.processors = count}, {}};
      const auto bytes = encode(*vocabulary, program);
      ASSERT_TRUE(bytes.has_value()) << vocabulary->name;
      EXPECT_EQ(decoded(*vocabulary, *bytes), program) << vocabulary->name;
    }
    EXPECT_FALSE(encode(*vocabulary, Program{Stage{.processors = 5}, {}}).has_value());
    EXPECT_EQ(decoded(*vocabulary, std::vector<std::uint8_t>(kRecordBytes)).stage.processors, 2);
  }
  EXPECT_FALSE(encode(kBufferVocabulary, Program{Stage{.buffer_bytes = 4096, .processors = 3}, {}}).has_value());
  EXPECT_FALSE(encode(kForeignVocabulary, Program{Stage{.processors = 3}, {}}).has_value());
}

TEST(Program, ReadsAsText) {
  EXPECT_EQ(to_text(Allocate{.slot = SlotId{3}, .size = 100}), "allocate slot=3 size=100 alignment=16 kind=malloc");
  EXPECT_EQ(to_text(SizedFree{.slot = SlotId{63}}), "sized_free slot=63");
  const Program program{Stage{.policy = PolicyName::debug, .buffer_bytes = 4096}, {Check{}, Shrink{.by = 64}}};
  EXPECT_EQ(to_text(program), "stage policy=debug buffer_bytes=4096 skew=0 zeroed=0\ncheck\nshrink by=64\n");
}

// The text below is the C++ above it: what is printed compiles and means the same.
TEST(Program, PastesAsCpp) {
  const Program program =
      Program{Stage{.policy = PolicyName::fast, .buffer_bytes = 8192, .skew = 3, .zeroed = true},
              {
                  Allocate{.slot = SlotId{3}, .size = 100, .alignment = 64, .kind = Kind::by_new_array},
                  AllocateZeroed{.slot = SlotId{4}, .size = 9223372036854775808U, .kind = Kind::by_malloc},
                  Relocate{.skew = 7},
                  Check{},
              }};
  EXPECT_EQ(to_cpp(program),
            "Program{Stage{.policy = PolicyName::fast, .buffer_bytes = 8192, .skew = 3, .zeroed = true}, {\n"
            "    Allocate{.slot = SlotId{3}, .size = 100, .alignment = 64, .kind = Kind::by_new_array},\n"
            "    AllocateZeroed{.slot = SlotId{4}, .size = 9223372036854775808U, .kind = Kind::by_malloc},\n"
            "    Relocate{.skew = 7},\n"
            "    Check{},\n"
            "}}");
}

}  // namespace
}  // namespace trestle::ops
