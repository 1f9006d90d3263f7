// What .eh_frame says, in tables made by hand.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/arith.hpp"
#include "report/dwarf.hpp"
#include "report/short_rule.hpp"
#include "report/unwind_tables.hpp"

namespace trestle {
namespace {

using Bytes = std::vector<std::uint8_t>;
using From = UnwindRule::From;
using Kind = Place::Kind;

// An object with one function. Its code is not there, only its tables.
struct Object {
  std::uint8_t version = 1;
  std::string letters = "zR";
  Bytes data{0x1b};
  std::uint8_t data_step = 0x78;  // -8
  std::uint8_t column = 16;
  Bytes first{0x0c, 7, 8, 0x90, 1};  // the frame's address is rsp + 8, the return address lies 8 below
  Bytes then{};
  // Changes to what is written behind these.
  std::uint32_t rows = 1;
  std::int32_t row_entry = 0;
  std::int32_t distance = 0;
  std::size_t cut = 0;
  Bytes before_entry{};

  static constexpr std::uintptr_t kCode = 0x1000;  // from the header
  static constexpr std::uint32_t kCodeBytes = 0x1000;

  // At `offset` in the code.
  [[nodiscard]] std::optional<UnwindRule> rule(std::int64_t offset = 0) const {
    const Bytes bytes = written();
    // To the byte, so that a sanitizer sees who reads beyond.
    const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[bytes.size() - cut]);
    std::memcpy(exact.get(), bytes.data(), bytes.size() - cut);
    const UnwindTables tables{{exact.get(), bytes.size() - cut}, exact.get()};
    auto found = read_unwind_rule(tables, address_of(exact.get()) + kCode + static_cast<std::uintptr_t>(offset));
    if (found) keep(*found);
    return found;
  }

 private:
  static void put(Bytes& to, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) to.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  }
  static void put(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }
  static void put_entry(Bytes& to, const Bytes& body) {
    put(to, static_cast<std::uint32_t>(body.size()));
    put(to, body);
  }
  [[nodiscard]] Bytes written() const {
    Bytes common{0, 0, 0, 0, version};
    for (const char letter : letters) common.push_back(static_cast<std::uint8_t>(letter));
    put(common, Bytes{0, 1, data_step, column});
    if (letters[0] == 'z') common.push_back(static_cast<std::uint8_t>(data.size()));
    put(common, data);
    put(common, first);
    Bytes all{1, 0x1b, 0x03, 0x3b, 0, 0, 0, 0};
    put(all, rows);
    put(all, static_cast<std::uint32_t>(kCode));
    const std::size_t common_at = all.size() + 4;
    const std::size_t entry_at = common_at + 4 + common.size() + before_entry.size();
    put(all, static_cast<std::uint32_t>(entry_at) + static_cast<std::uint32_t>(row_entry));
    put_entry(all, common);
    put(all, before_entry);
    Bytes entry;
    put(entry, static_cast<std::uint32_t>(entry_at + 4 - common_at) + static_cast<std::uint32_t>(distance));
    put(entry, static_cast<std::uint32_t>(kCode - (entry_at + 8)));
    put(entry, kCodeBytes);
    if (letters[0] == 'z') entry.push_back(0);
    put(entry, then);
    put_entry(all, entry);
    return all;
  }
  // Expressions lie in what is gone by then.
  static void keep(UnwindRule& rule) {
    static std::vector<std::unique_ptr<Bytes>> kept;
    for (std::span<const std::uint8_t>* each :
         {&rule.expression, &rule.bp.expression, &rule.return_address.expression}) {
      kept.push_back(std::make_unique<Bytes>(each->begin(), each->end()));
      *each = *kept.back();
    }
  }
};

void expect(const std::optional<UnwindRule>& rule, From from, std::int32_t offset) {
  ASSERT_TRUE(rule);
  EXPECT_EQ(rule->from, from);
  EXPECT_EQ(rule->offset, offset);
}
void expect(const Place& place, Kind kind, std::int32_t offset) {
  EXPECT_EQ(place.kind, kind);
  EXPECT_EQ(place.offset, offset);
}

TEST(UnwindRules, BeginWithWhatEntriesShare) {
  const auto rule = Object{}.rule();
  expect(rule, From::sp, 8);
  expect(rule->return_address, Kind::at_offset, -8);
  expect(rule->bp, Kind::same, 0);
  EXPECT_FALSE(rule->is_of_signal);
}

TEST(UnwindRules, HoldInTheFunctionAlone) {
  EXPECT_TRUE(Object{}.rule(Object::kCodeBytes - 1));
  EXPECT_FALSE(Object{}.rule(Object::kCodeBytes));
  EXPECT_FALSE(Object{}.rule(-1));
}

TEST(UnwindRules, ChangeFromPlaceToPlace) {
  const std::map<std::int64_t, Bytes> steps{
      {1, {0x41}}, {63, {0x7f}}, {200, {0x02, 200}}, {0x234, {0x03, 0x34, 0x02}}, {0x567, {0x04, 0x67, 0x05, 0, 0}}};
  for (const auto& [length, step] : steps) {
    Object object;
    object.then = step;
    object.then.insert(object.then.end(), {0x0e, 16});
    expect(object.rule(length - 1), From::sp, 8);
    expect(object.rule(length), From::sp, 16);
  }
}

TEST(UnwindRules, ChangeFromAnAddressOn) {
  Object object;
  object.data = {0x02};  // absolute addresses of 16 bits: no function has one, but the place is set to it
  object.then = {0x0e, 16};
  EXPECT_FALSE(object.rule());
  object.data = {0x1b};
  object.then = {0x01, 0, 0, 0, 0, 0x0e, 16};  // to the operand's own address, which is below the code
  expect(object.rule(), From::sp, 16);
  object.then = {0x01, 0, 0, 0, 0x40, 0x0e, 16};
  expect(object.rule(), From::sp, 8);
}

TEST(UnwindRules, KnowTheFramePointer) {
  Object object;
  object.then = {0x86, 2, 0x0d, 6};
  const auto rule = object.rule();
  expect(rule, From::bp, 8);
  expect(rule->bp, Kind::at_offset, -16);
}

TEST(UnwindRules, KnowTheSignedForms) {
  Object object;
  object.then = {0x12, 6, 0x7e, 0x11, 6, 3, 0x05, 16, 4};  // rbp + 2 * 8; rbp's at -3 * 8; the return address at -4 * 8
  auto rule = object.rule();
  expect(rule, From::bp, 16);
  expect(rule->bp, Kind::at_offset, -24);
  expect(rule->return_address, Kind::at_offset, -32);
  object.then = {0x13, 0x7d};
  expect(object.rule(), From::sp, 24);
}

TEST(UnwindRules, GoBackToTheirBeginning) {
  for (const Bytes& back : {Bytes{0xc6, 0xd0}, Bytes{0x06, 6, 0x06, 16}}) {
    Object object;
    object.then = {0x86, 2, 0x90, 5};
    object.then.insert(object.then.end(), back.begin(), back.end());
    const auto rule = object.rule();
    ASSERT_TRUE(rule);
    expect(rule->bp, Kind::same, 0);
    expect(rule->return_address, Kind::at_offset, -8);
  }
}

TEST(UnwindRules, AreRememberedAndRecalled) {
  Object object;
  object.then = {0x0a, 0x0d, 6, 0x0e, 16, 0x0a, 0x0e, 24, 0x86, 2, 0x0b};
  auto rule = object.rule();
  expect(rule, From::bp, 16);
  EXPECT_EQ(rule->bp.kind, Kind::same);
  object.then.push_back(0x0b);
  expect(object.rule(), From::sp, 8);
  object.then.push_back(0x0b);
  EXPECT_FALSE(object.rule());
  object.then.assign(8, 0x0a);
  EXPECT_TRUE(object.rule());
  object.then.assign(9, 0x0a);
  EXPECT_FALSE(object.rule());
}

TEST(UnwindRules, MayBeExpressions) {
  Object object;
  object.then = {0x0f, 2, 0x77, 8, 0x10, 6, 1, 0x30};
  auto rule = object.rule();
  ASSERT_TRUE(rule);
  EXPECT_EQ(rule->from, From::expression);
  EXPECT_EQ(Bytes(rule->expression.begin(), rule->expression.end()), (Bytes{0x77, 8}));
  EXPECT_EQ(rule->bp.kind, Kind::expressed);
  EXPECT_EQ(Bytes(rule->bp.expression.begin(), rule->bp.expression.end()), Bytes{0x30});
  object.then = {0x0f, 0};  // an empty one is one that comes to nothing
  rule = object.rule();
  ASSERT_TRUE(rule);
  EXPECT_EQ(rule->from, From::expression);
}

TEST(UnwindRules, MayEndTheStack) {
  Object object;
  object.then = {0x07, 16};
  auto rule = object.rule();
  ASSERT_TRUE(rule);
  EXPECT_EQ(rule->return_address.kind, Kind::unknown);
  object.then = {0x86, 2, 0x08, 6};
  rule = object.rule();
  ASSERT_TRUE(rule);
  EXPECT_EQ(rule->bp.kind, Kind::same);
}

TEST(UnwindRules, LeaveOtherRegistersOut) {
  for (const Bytes& then : {Bytes{0x83, 9}, Bytes{0x09, 3, 12}, Bytes{0x14, 3, 1}, Bytes{0x15, 3, 1},
                            Bytes{0x16, 3, 1, 0x30}, Bytes{0x2e, 99}, Bytes{0x00}, Bytes{0x07, 3}, Bytes{0xc3}}) {
    Object object;
    object.then = then;
    object.then.insert(object.then.end(), {0x0e, 16});
    const auto rule = object.rule();
    expect(rule, From::sp, 16);
    expect(rule->bp, Kind::same, 0);
    expect(rule->return_address, Kind::at_offset, -8);
  }
}

TEST(UnwindRules, AreRefusedWhereTheyAreNotUnderstood) {
  for (const Bytes& then : {Bytes{0x09, 16, 12}, Bytes{0x14, 6, 1}, Bytes{0x15, 16, 1}, Bytes{0x16, 6, 1, 0x30},
                            Bytes{0x17, 1}, Bytes{0x0d, 3}, Bytes{0x0c, 10, 8}, Bytes{0x3f}, Bytes{0x0e},
                            Bytes{0x0f, 9, 0x30}, Bytes{0x0e, 0x80, 0x80, 0x80, 0x80, 0x10},
                            Bytes{0x11, 6, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f},
                            Bytes{0x13, 0x80, 0x80, 0x80, 0x80, 0x10}}) {
    Object object;
    object.then = then;
    EXPECT_FALSE(object.rule()) << testing::PrintToString(then);
    object.then = {0x0c, 7, 8};
    object.first.insert(object.first.end(), then.begin(), then.end());
    EXPECT_FALSE(object.rule() && then[0] != 0x0c && then[0] != 0x0d) << testing::PrintToString(then);
  }
}

TEST(UnwindRules, MayBeASignals) {
  Object object;
  object.letters = "zRS";
  ASSERT_TRUE(object.rule());
  EXPECT_TRUE(object.rule()->is_of_signal);
}

TEST(UnwindRules, HaveDataBesideThem) {
  Object object;
  object.letters = "zPLR";
  object.data = {0x9b, 1, 2, 3, 4, 0x1b, 0x1b};
  expect(object.rule(), From::sp, 8);
  object.data = {0xff, 0x1b, 0x1b};  // no personality
  expect(object.rule(), From::sp, 8);
  object.data = {0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x1b, 0x1b};  // one that is aligned
  EXPECT_FALSE(object.rule());
  object.letters = "zRx";  // what is not known may have any length, but the data's is told
  object.data = {0x1b, 1, 2, 3};
  expect(object.rule(), From::sp, 8);
  object.letters = "eh";
  object.data = {};
  EXPECT_FALSE(object.rule());
  object.letters = "zRRRRRRRR";
  EXPECT_FALSE(object.rule());
}

TEST(UnwindRules, AreOfTwoVersions) {
  for (std::uint8_t version = 0; version < 5; ++version) {
    Object object;
    object.version = version;
    EXPECT_EQ(object.rule().has_value(), version == 1 || version == 3) << int{version};
  }
  Object object;
  object.column = 15;
  EXPECT_FALSE(object.rule());
}

TEST(UnwindRules, AreReadInTheObjectAlone) {
  const auto changed = [](auto change) {
    Object object;
    object.then = {0x0e, 16};
    change(object);
    return object.rule();
  };
  EXPECT_TRUE(changed([](Object&) {}));
  for (const std::uint32_t rows : {0U, 2U << 20, UINT32_MAX})
    EXPECT_FALSE(changed([&](Object& object) { object.rows = rows; })) << rows;
  for (const std::int32_t far : {-1000, 1000, INT32_MAX, INT32_MIN}) {
    EXPECT_FALSE(changed([&](Object& object) { object.row_entry = far; })) << far;
    EXPECT_FALSE(changed([&](Object& object) { object.distance = far; })) << far;
  }
  std::size_t read = 0;
  for (std::size_t cut = 1; cut < 60; ++cut) read += changed([&](Object& object) { object.cut = cut; }) ? 1 : 0;
  EXPECT_EQ(read, 0U);
}

// ---- what they come to ----

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

TEST(UnwindRules, GiveTheCallersRegisters) {
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
TEST(UnwindRules, FitIntoAWordOrDoNot) {
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

TEST(UnwindRules, CalculateByExpressions) {
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

TEST(UnwindRules, FindRegistersByExpressions) {
  const Bytes eight_below{0x08, 8, 0x1c};  // of the frame's address, which is there first
  Stack stack{{{0x7008, 0x402000}}};
  const UnwindRule rule{From::sp, 16, {}, {}, {Kind::expressed, 0, eight_below}};
  const auto caller = apply(rule, kFrame, Stack::read, &stack);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->pc, 0x402000U);
}

}  // namespace
}  // namespace trestle
