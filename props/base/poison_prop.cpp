// Poison against a loop over single bytes, at every length and alignment.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "base/poison.hpp"
#include "property.hpp"

namespace trestle {
namespace {

constexpr std::size_t kRoom = 700;

const std::byte* first_other_naively(const std::byte* at, std::size_t bytes, std::uint8_t value) {
  for (std::size_t i = 0; i < bytes; ++i)
    if (at[i] != std::byte{value}) return at + i;
  return nullptr;
}

struct Range {
  std::size_t from;
  std::size_t bytes;
};
Range any_range() {
  const std::size_t from = *rc::gen::inRange<std::size_t>(0, 72);
  return {from, *rc::gen::inRange<std::size_t>(0, kRoom - 72)};
}

TEST(PoisonProperty, FindsWhatANaiveLoopFinds) {
  EXPECT_TRUE(holds(
      "first_other is a loop over the bytes",
      [] {
        alignas(64) std::array<std::byte, kRoom> bytes;
        const auto value = *any<std::uint8_t>();
        const Range range = any_range();
        bytes.fill(std::byte{value});
        const auto wrong = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, kRoom));
        const auto change = static_cast<std::byte>(*rc::gen::inRange(1, 256));
        for (const std::size_t at : wrong) bytes[at] = std::byte{value} ^ change;
        RC_ASSERT((first_other(bytes.data() + range.from, range.bytes, value) ==
                   first_other_naively(bytes.data() + range.from, range.bytes, value)));
      },
      50));
}

TEST(PoisonProperty, FillsItsRangeAndNothingElse) {
  EXPECT_TRUE(holds(
      "fill writes each byte of its range and no other",
      [] {
        std::array<std::byte, kRoom> bytes;
        const auto value = *any<std::uint8_t>();
        const Range range = any_range();
        bytes.fill(std::byte{value} ^ std::byte{0xFF});
        fill(bytes.data() + range.from, range.bytes, value);
        for (std::size_t i = 0; i < kRoom; ++i)
          RC_ASSERT((bytes[i] == std::byte{value}) == (i >= range.from && i - range.from < range.bytes));
      },
      10));
}

TEST(PoisonProperty, AWordOfPoisonIsEightBytesOfIt) {
  EXPECT_TRUE(holds("store_word of a repeated byte, and load_word of filled bytes, agree", [] {
    const auto value = *any<std::uint8_t>();
    std::array<std::byte, 24> bytes{};
    const std::size_t at = *rc::gen::inRange<std::size_t>(0, 16);
    store_word(bytes.data() + at, repeated(value));
    RC_ASSERT((first_other_naively(bytes.data() + at, 8, value) == nullptr));
    RC_ASSERT(load_word(bytes.data() + at) == repeated(value));
  }));
}

}  // namespace
}  // namespace trestle
