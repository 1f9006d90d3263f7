#include "base/arith.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace trestle {
namespace {

constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();

TEST(Arith, KnowsPowersOfTwo) {
  EXPECT_FALSE(is_power_of_two(0));
  for (unsigned i = 0; i < 64; ++i) {
    const std::size_t power = std::size_t{1} << i;
    EXPECT_TRUE(is_power_of_two(power)) << i;
    EXPECT_EQ(is_power_of_two(power + 1), i == 0) << i;
    EXPECT_EQ(is_power_of_two(power - 1), i == 1) << i;
    EXPECT_EQ(log2_floor(power), i);
    EXPECT_EQ(log2_floor(power | (power - 1)), i);
  }
}

TEST(Arith, AlignsUpAndDownToEveryPowerOfTwo) {
  for (unsigned i = 0; i < 63; ++i) {
    const std::size_t step = std::size_t{1} << i;
    for (const std::size_t value : {std::size_t{0}, std::size_t{1}, step - 1, step, std::size_t{12345}}) {
      const std::size_t up = align_up(value, step);
      const std::size_t down = align_down(value, step);
      EXPECT_TRUE(is_aligned(up, step) && is_aligned(down, step)) << value << " to " << step;
      EXPECT_TRUE(down <= value && value <= up && up - down == (is_aligned(value, step) ? 0 : step))
          << value << " to " << step;
    }
  }
}

TEST(Arith, AlignsUpToTheLastMultipleThatFits) {
  EXPECT_EQ(align_up(kMost - 15, 16), kMost - 15);
  EXPECT_EQ(align_up(kMost - 4096 + 1, 4096), kMost - 4095);
  EXPECT_EQ(align_down(kMost, 4096), kMost - 4095);
}

TEST(Arith, AddsUpToTheLimitAndNoFurther) {
  EXPECT_EQ(checked_add(kMost, 0), kMost);
  EXPECT_EQ(checked_add(kMost - 7, 7), kMost);
  EXPECT_EQ(checked_add(kMost, 1), std::nullopt);
  EXPECT_EQ(checked_add(kMost / 2 + 1, kMost / 2 + 1), std::nullopt);
}

TEST(Arith, MultipliesUpToTheLimitAndNoFurther) {
  EXPECT_EQ(checked_multiply(kMost, 1), kMost);
  EXPECT_EQ(checked_multiply(kMost, 0), 0U);
  EXPECT_EQ(checked_multiply(kMost / 3, 3), kMost);
  EXPECT_EQ(checked_multiply(kMost / 3 + 1, 3), std::nullopt);
  EXPECT_EQ(checked_multiply(std::size_t{1} << 32, std::size_t{1} << 32), std::nullopt);
}

}  // namespace
}  // namespace trestle
