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

TEST(Quarantine, TurnsRound) {
  const auto quarantine = std::make_unique<Quarantine<kDebug>>();
  std::uint64_t random = 1;
  for (std::size_t i = 0; i < 3; ++i) quarantine->push(nth(i), kBlock, random);
  quarantine->rotate();
  EXPECT_EQ(quarantine->count(), 3U);
  EXPECT_EQ(quarantine->at(0), nth(1));
  EXPECT_EQ(quarantine->at(1), nth(2));
  EXPECT_EQ(quarantine->at(2), nth(0));
}
TEST(Quarantine, TurnsRoundWhenItIsFull) {
  const auto quarantine = std::make_unique<Quarantine<kFast>>();
  std::uint64_t random = 1;
  std::set<void*> all;
  for (std::size_t i = 0; i < kFast.quarantine_blocks; ++i) quarantine->push(nth(i), 1, random);
  for (std::size_t i = 0; i < kFast.quarantine_blocks; ++i) {
    all.insert(quarantine->oldest());
    quarantine->rotate();
  }
  EXPECT_EQ(all.size(), kFast.quarantine_blocks);
}
TEST(Quarantine, HoldsMoreBytesThanThePolicyHasItWhereItIsToldTo) {
  const auto quarantine = std::make_unique<Quarantine<kDebug>>();
  std::uint64_t random = 1;
  quarantine->push(nth(0), kDebug.quarantine_bytes, random);
  EXPECT_TRUE(quarantine->is_full_for(1));
  quarantine->set_most(kDebug.quarantine_bytes + 10);
  EXPECT_FALSE(quarantine->is_full_for(10));
  EXPECT_TRUE(quarantine->is_full_for(11));
  quarantine->set_most(10);
  EXPECT_TRUE(quarantine->is_full_for(1));
  quarantine->pop(10);
  quarantine->push(nth(1), 1, random);
  EXPECT_FALSE(quarantine->is_full_for(9)) << "never less than the policy has it";
  quarantine->set_most(1000);
  quarantine->clear();
  quarantine->push(nth(0), kDebug.quarantine_bytes, random);
  EXPECT_TRUE(quarantine->is_full_for(1)) << "as new";
}

}  // namespace
}  // namespace trestle
