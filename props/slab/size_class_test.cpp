// Every request and every alignment that slabs serve, looked at one by one.
#include "slab/size_class.hpp"

#include <gtest/gtest.h>

namespace trestle {
namespace {

TEST(SizeClass, IsTheSmallestThatHoldsTheRequest) {
  for (std::size_t bytes = 0; bytes <= kMaxSlot; ++bytes) {
    const SizeClass found = class_for(bytes);
    ASSERT_GE(slot_bytes(found), bytes);
    if (found.index == 0) continue;
    ASSERT_LT(slot_bytes({static_cast<std::uint8_t>(found.index - 1)}), bytes);
  }
}

TEST(SizeClass, WastesAtMostAnEighthBeyondASlotStep) {
  for (std::size_t bytes = 1; bytes <= kMaxSlot; ++bytes) {
    const std::size_t wasted = slot_bytes(class_for(bytes)) - align_up(bytes, kSlotStep);
    ASSERT_LE(wasted * 8, bytes) << bytes;
  }
}

// With its canary a request of a power of two is a byte longer.
TEST(SizeClass, LieJustAboveEachPowerOfTwo) {
  for (std::size_t power = 256; power < kMaxSlot; power *= 2) {
    EXPECT_EQ(slot_bytes(class_for(power)), power);
    EXPECT_EQ(slot_bytes(class_for(power + 1)), power + kSlotStep);
    EXPECT_EQ(slot_bytes(class_for(power + kSlotStep)), power + kSlotStep);
  }
}

TEST(SizeClass, AreMultiplesOfAStepAndGrow) {
  EXPECT_EQ(slot_bytes({0}), kSlotStep);
  EXPECT_EQ(slot_bytes({kSizeClasses - 1}), kMaxSlot);
  for (std::uint8_t i = 1; i < kSizeClasses; ++i) {
    EXPECT_EQ(slot_bytes({i}) % kSlotStep, 0U);
    EXPECT_GT(slot_bytes({i}), slot_bytes({static_cast<std::uint8_t>(i - 1)}));
  }
}

TEST(SizeClass, HasAReciprocalThatDividesEveryOffset) {
  for (std::uint8_t i = 0; i < kSizeClasses; ++i) {
    const std::size_t bytes = slot_bytes({i});
    const std::uint64_t reciprocal = reciprocal_of(bytes);
    for (std::uint64_t offset = 0; offset < std::uint64_t{1} << 20; ++offset)
      ASSERT_EQ(offset * reciprocal >> kReciprocalBits, offset / bytes) << offset << " by " << bytes;
  }
}

TEST(SizeClass, ForAnAlignmentHasAlignedSlots) {
  for (std::size_t alignment = kSlotStep; alignment <= kMaxSlot; alignment *= 2) {
    for (std::size_t bytes = 0; align_up(bytes, alignment) <= kMaxSlot; ++bytes) {
      const std::size_t slot = slot_bytes(class_for(bytes, alignment));
      ASSERT_EQ(slot % alignment, 0U) << bytes << " aligned to " << alignment;
      ASSERT_GE(slot, bytes);
    }
  }
}

}  // namespace
}  // namespace trestle
