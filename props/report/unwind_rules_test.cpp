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

}  // namespace
}  // namespace trestle
