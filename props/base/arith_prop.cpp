// Arithmetic on sizes against the same in 128 bits, where nothing wraps.
#include <gtest/gtest.h>

#include "base/arith.hpp"
#include "property.hpp"

namespace trestle {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr int kOften = 50;

rc::Gen<std::size_t> alignments() {
  return rc::gen::map(rc::gen::inRange(0U, 64U), [](unsigned shift) { return std::size_t{1} << shift; });
}
std::optional<std::size_t> narrowed(Wide wide) {
  if (wide > SIZE_MAX) return std::nullopt;
  return static_cast<std::size_t>(wide);
}

TEST(ArithProperty, RoundingIsThatOf128Bits) {
  EXPECT_TRUE(holds(
      "align_up, align_down and is_aligned round as 128 bits do",
      [] {
        const std::size_t value = *sizes_at_limits();
        const std::size_t alignment = *alignments();
        const std::size_t below = value / alignment * alignment;
        RC_ASSERT(align_down(value, alignment) == below);
        RC_ASSERT(is_aligned(value, alignment) == (below == value));
        RC_ASSERT(is_power_of_two(value) == (__builtin_popcountll(value) == 1));
        const auto up = narrowed((Wide{value} + alignment - 1) / alignment * alignment);
        if (value <= SIZE_MAX - alignment + 1) RC_ASSERT(align_up(value, alignment) == up);
      },
      kOften));
}

TEST(ArithProperty, SumsAndProductsAreThoseOf128BitsOrNothing) {
  EXPECT_TRUE(holds(
      "checked_add and checked_multiply give what fits, and nothing else",
      [] {
        const std::size_t a = *sizes_at_limits();
        const std::size_t b = *sizes_at_limits();
        RC_ASSERT(checked_add(a, b) == narrowed(Wide{a} + b));
        RC_ASSERT(checked_multiply(a, b) == narrowed(Wide{a} * b));
      },
      kOften));
}

// Arbitrary operands overflow nearly always, or never: here the sum and the product lie about 2^64.
TEST(ArithProperty, SumsAndProductsAboutTheLimitAreExact) {
  EXPECT_TRUE(holds(
      "checked_add and checked_multiply are exact about their limit",
      [] {
        const std::size_t a = *nonzero_sizes();
        const std::size_t beyond = *rc::gen::inRange<std::size_t>(0, 3);
        RC_ASSERT(checked_add(a, SIZE_MAX - a + beyond) == narrowed(Wide{a} + (SIZE_MAX - a + beyond)));
        const std::size_t b = SIZE_MAX / a + beyond - 1;
        RC_ASSERT(checked_multiply(a, b) == narrowed(Wide{a} * b));
      },
      kOften));
}

TEST(ArithProperty, LogarithmIsThatOfTheHighestBit) {
  EXPECT_TRUE(holds(
      "2^log2_floor(n) <= n < 2^(log2_floor(n) + 1)",
      [] {
        const std::size_t value = *nonzero_sizes();
        const Wide power = Wide{1} << log2_floor(value);
        RC_ASSERT(power <= value);
        RC_ASSERT(value < 2 * power);
      },
      kOften));
}

}  // namespace
}  // namespace trestle
