// What the rules of .eh_frame come to: the caller's registers, of a stack made by hand.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "report/short_rule.hpp"
#include "report/unwind_tables.hpp"

namespace trestle {
namespace {

using Bytes = std::vector<std::uint8_t>;
using From = UnwindRule::From;
using Kind = Place::Kind;

struct Stack {
  std::map<std::uintptr_t, std::uintptr_t> words;
  static bool read(std::uintptr_t at, std::uintptr_t& word, void* context) {
    const auto& all = static_cast<Stack*>(context)->words;
    const auto found = all.find(at);
    if (found == all.end()) return false;
    word = found->second;
    return true;
  }
};
constexpr Registers kFrame{0x401005, 0x7000, 0x7100};

TEST(UnwindSteps, GiveTheCallersRegisters) {
  Stack stack{{{0x7008, 0x402000}, {0x7000, 0x7200}, {0x7108, 0x403000}}};
  UnwindRule rule{From::sp, 16, {}, {Kind::at_offset, -16}, {Kind::at_offset, -8}};
  auto caller = apply(rule, kFrame, Stack::read, &stack);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->pc, 0x402000U);
  EXPECT_EQ(caller->sp, 0x7010U);
  EXPECT_EQ(caller->bp, 0x7200U);
  rule = {From::bp, 16, {}, {}, {Kind::at_offset, -8}};
  caller = apply(rule, kFrame, Stack::read, &stack);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->pc, 0x403000U);
  EXPECT_EQ(caller->sp, 0x7110U);
  EXPECT_EQ(caller->bp, 0x7100U);
  rule.return_address = {Kind::unknown};
  EXPECT_FALSE(apply(rule, kFrame, Stack::read, &stack));
  rule.return_address = {Kind::at_offset, -800};  // cannot be read
  EXPECT_FALSE(apply(rule, kFrame, Stack::read, &stack));
}

// In a word each is what it was, or is not taken into one.
TEST(UnwindSteps, FitIntoAWordOrDoNot) {
  Stack stack;
  for (std::uintptr_t at = 0x6000; at < 0x8000; at += 4) stack.words[at] = at * 0x9e3779b97f4a7c15U;
  std::size_t short_ones = 0;
  for (const From from : {From::sp, From::bp, From::expression})
    for (const std::int32_t offset : {8, 16, -8, 1000, INT32_MAX, INT32_MIN})
      for (const Place& bp :
           {Place{}, Place{Kind::at_offset, -16}, Place{Kind::at_offset, -1024}, Place{Kind::at_offset, -1032},
            Place{Kind::at_offset, 16}, Place{Kind::at_offset, -20}, Place{Kind::unknown}})
        for (const Place& pc : {Place{Kind::at_offset, -8}, Place{Kind::at_offset, -16}, Place{Kind::same}})
          for (const bool is_of_signal : {false, true}) {
            const UnwindRule rule{from, offset, {}, bp, pc, is_of_signal};
            const ShortRule word = ShortRule::of(rule);
            if (word.is_empty()) continue;
            ++short_ones;
            EXPECT_FALSE(rule.is_of_signal);  // which is not told of them
            const auto caller = apply(rule, kFrame, Stack::read, &stack);
            const auto same = ShortRule(word.word()).apply(kFrame, Stack::read, &stack);
            ASSERT_EQ(caller.has_value(), same.has_value());
            if (!caller) continue;
            EXPECT_EQ(caller->pc, same->pc);
            EXPECT_EQ(caller->sp, same->sp);
            EXPECT_EQ(caller->bp, same->bp);
          }
  EXPECT_EQ(short_ones, 2U * 6 * 3);
  const ShortRule end = ShortRule::of({From::sp, 8, {}, {}, {Kind::unknown}});
  EXPECT_FALSE(end.is_empty());
  EXPECT_FALSE(end.apply(kFrame, Stack::read, &stack));
  EXPECT_TRUE(ShortRule().is_empty());
}

// The frame's address by an expression; nothing where it comes to none.
std::optional<std::uintptr_t> value_of(const Bytes& expression) {
  Stack stack{{{0x7000, 0x1234}}};
  UnwindRule rule;
  rule.from = From::expression;
  rule.expression = expression;
  rule.return_address = {Kind::same};
  const auto caller = apply(rule, kFrame, Stack::read, &stack);
  return caller ? std::optional(caller->sp) : std::nullopt;
}

TEST(UnwindSteps, CalculateByExpressions) {
  const std::vector<std::pair<Bytes, std::uintptr_t>> all{
      {{0x30}, 0},
      {{0x4f}, 31},
      {{0x08, 200}, 200},
      {{0x09, 0xff}, UINTPTR_MAX},
      {{0x0a, 0x34, 0x12}, 0x1234},
      {{0x0b, 0xfe, 0xff}, UINTPTR_MAX - 1},
      {{0x77, 8}, 0x7008},
      {{0x76, 0x78}, 0x70f8},
      {{0x80, 0x01}, 0x401006},
      {{0x77, 0, 0x06}, 0x1234},
      {{0x3c, 0x3a, 0x1a}, 8},
      {{0x3c, 0x3a, 0x1c}, 2},
      {{0x3c, 0x3a, 0x22}, 22},
      {{0x3c, 0x23, 5}, 17},
      {{0x31, 0x34, 0x24}, 16},
      {{0x31, 0x08, 64, 0x24}, 0},
      {{0x3c, 0x3c, 0x2a}, 1},
      {{0x3a, 0x3c, 0x2a}, 0},
      {{0x09, 0xff, 0x30, 0x2a}, 0},
      {{0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22}, 0x7008},  // that of a linkage table
  };
  for (const auto& [expression, value] : all)
    EXPECT_EQ(value_of(expression), value) << testing::PrintToString(expression);
  const std::vector<Bytes> none{{},           {0x06},       {0x30, 0x06},      {0x22}, {0x30, 0x22},
                                {0x70, 0},    {0x03},       {0x12, 0x30},      {0x08}, {0x1b, 0x30},
                                Bytes(9, 48), {0x30, 0x23}, {0x31, 0x31, 0x1b}};
  for (const Bytes& expression : none) EXPECT_FALSE(value_of(expression)) << testing::PrintToString(expression);
  EXPECT_TRUE(value_of(Bytes(8, 0x30)));
}

TEST(UnwindSteps, FindRegistersByExpressions) {
  const Bytes eight_below{0x08, 8, 0x1c};  // of the frame's address, which is there first
  Stack stack{{{0x7008, 0x402000}}};
  const UnwindRule rule{From::sp, 16, {}, {}, {Kind::expressed, 0, eight_below}};
  const auto caller = apply(rule, kFrame, Stack::read, &stack);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->pc, 0x402000U);
}

}  // namespace
}  // namespace trestle
