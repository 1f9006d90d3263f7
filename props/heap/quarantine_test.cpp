// The ring of retired blocks: its bounds, its order, and that random reuse neither loses nor doubles an entry.
#include "heap/quarantine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

namespace trestle {
namespace {

constexpr std::size_t kBlock = 64;

void* nth(std::size_t i) { return reinterpret_cast<void*>((i + 1) * kBlock); }

template <Policy P>
std::vector<void*> order_of_leaving(std::size_t count) {
  const auto quarantine = std::make_unique<Quarantine<P>>();
  std::uint64_t random = 1;
  for (std::size_t i = 0; i < count; ++i) quarantine->push(nth(i), kBlock, random);
  EXPECT_EQ(quarantine->count(), count);
  EXPECT_EQ(quarantine->bytes(), count * kBlock);
  std::vector<void*> left;
  while (!quarantine->is_empty()) {
    EXPECT_EQ(quarantine->at(0), quarantine->oldest());
    left.push_back(quarantine->oldest());
    quarantine->pop(kBlock);
  }
  EXPECT_EQ(quarantine->bytes(), 0U);
  return left;
}

TEST(Quarantine, WithoutRandomReuseTheOldestLeavesFirst) {
  const std::vector<void*> left = order_of_leaving<kDebug>(200);
  for (std::size_t i = 0; i < left.size(); ++i) EXPECT_EQ(left[i], nth(i));
}

TEST(Quarantine, WithRandomReuseEachLeavesOnceInAnotherOrder) {
  const std::vector<void*> left = order_of_leaving<kHardened>(200);
  EXPECT_EQ(std::set<void*>(left.begin(), left.end()).size(), 200U);
  EXPECT_FALSE(std::is_sorted(left.begin(), left.end()));
}

TEST(Quarantine, IsFullAtItsCountAndAtItsBytes) {
  Quarantine<kFast> quarantine;
  std::uint64_t random = 1;
  EXPECT_FALSE(quarantine.is_full_for(SIZE_MAX / 2)) << "what is larger than all of it still rests, alone";
  for (std::size_t i = 0; i < kFast.quarantine_blocks; ++i) {
    EXPECT_FALSE(quarantine.is_full_for(kBlock)) << i;
    quarantine.push(nth(i), kBlock, random);
  }
  EXPECT_TRUE(quarantine.is_full_for(kBlock));
  quarantine.clear();
  quarantine.push(nth(0), kFast.quarantine_bytes - kBlock, random);
  EXPECT_FALSE(quarantine.is_full_for(kBlock));
  EXPECT_TRUE(quarantine.is_full_for(kBlock + 16));
}

TEST(Quarantine, ManyTurnsOfTheRingLoseNothing) {
  Quarantine<kHardened> quarantine;
  std::uint64_t random = 1;
  std::set<void*> inside;
  for (std::size_t i = 0; i < 10 * kHardened.quarantine_blocks; ++i) {
    while (quarantine.is_full_for(kBlock)) {
      ASSERT_EQ(inside.erase(quarantine.oldest()), 1U) << i;
      quarantine.pop(kBlock);
    }
    quarantine.push(nth(i), kBlock, random);
    ASSERT_TRUE(inside.insert(nth(i)).second);
    ASSERT_EQ(quarantine.count(), inside.size());
  }
  EXPECT_EQ(quarantine.count(), kHardened.quarantine_blocks);
}

}  // namespace
}  // namespace trestle
