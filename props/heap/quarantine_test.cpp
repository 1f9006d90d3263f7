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
constexpr std::size_t kMany = 5000;

void* nth(std::size_t i) { return reinterpret_cast<void*>((i + 1) * kBlock); }

template <Policy P>
std::unique_ptr<Quarantine<P>> started() {
  auto quarantine = std::make_unique<Quarantine<P>>();
  quarantine->start();
  return quarantine;
}
// As much room more as the policy has blocks wait for sweeps.
std::vector<void*> large_room() { return std::vector<void*>(kHardened.sweep_blocks); }

template <Policy P>
std::vector<void*> order_of_leaving(std::size_t count) {
  const auto quarantine = started<P>();
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
  const auto quarantine = started<kFast>();
  std::uint64_t random = 1;
  EXPECT_FALSE(quarantine->is_full_for(SIZE_MAX / 2)) << "what is larger than all of it still rests, alone";
  for (std::size_t i = 0; i < kFast.quarantine_blocks; ++i) {
    EXPECT_FALSE(quarantine->is_full_for(kBlock)) << i;
    quarantine->push(nth(i), kBlock, random);
  }
  EXPECT_TRUE(quarantine->is_full_for(kBlock));
  quarantine->start();
  quarantine->push(nth(0), kFast.quarantine_bytes - kBlock, random);
  EXPECT_FALSE(quarantine->is_full_for(kBlock));
  EXPECT_TRUE(quarantine->is_full_for(kBlock + 16));
}

TEST(Quarantine, ManyTurnsOfTheRingLoseNothing) {
  const auto quarantine = started<kHardened>();
  std::uint64_t random = 1;
  std::set<void*> inside;
  for (std::size_t i = 0; i < 10 * kHardened.quarantine_blocks; ++i) {
    while (quarantine->is_full_for(kBlock)) {
      ASSERT_EQ(inside.erase(quarantine->oldest()), 1U) << i;
      quarantine->pop(kBlock);
    }
    quarantine->push(nth(i), kBlock, random);
    ASSERT_TRUE(inside.insert(nth(i)).second);
    ASSERT_EQ(quarantine->count(), inside.size());
  }
  EXPECT_EQ(quarantine->count(), kHardened.quarantine_blocks);
}

TEST(Quarantine, TurnsRound) {
  const auto quarantine = started<kDebug>();
  std::uint64_t random = 1;
  for (std::size_t i = 0; i < 3; ++i) quarantine->push(nth(i), kBlock, random);
  quarantine->rotate();
  EXPECT_EQ(quarantine->count(), 3U);
  EXPECT_EQ(quarantine->at(0), nth(1));
  EXPECT_EQ(quarantine->at(1), nth(2));
  EXPECT_EQ(quarantine->at(2), nth(0));
}
TEST(Quarantine, TurnsRoundWhenItIsFull) {
  const auto quarantine = started<kFast>();
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
  const auto quarantine = started<kDebug>();
  std::uint64_t random = 1;
  quarantine->push(nth(0), kDebug.quarantine_bytes, random);
  EXPECT_TRUE(quarantine->is_full_for(1));
  quarantine->be_patient(kDebug.quarantine_bytes + 10);
  EXPECT_FALSE(quarantine->is_full_for(10));
  EXPECT_TRUE(quarantine->is_full_for(11));
  quarantine->be_patient(10);
  EXPECT_TRUE(quarantine->is_full_for(1));
  quarantine->pop(10);
  quarantine->push(nth(1), 1, random);
  EXPECT_FALSE(quarantine->is_full_for(9)) << "never less than the policy has it";
  quarantine->be_patient(1000);
  quarantine->start();
  quarantine->push(nth(0), kDebug.quarantine_bytes, random);
  EXPECT_TRUE(quarantine->is_full_for(1)) << "as new";
}

template <Policy P>
void push_all(Quarantine<P>& quarantine, std::size_t first, std::size_t count) {
  std::uint64_t random = 1;
  for (std::size_t i = first; i < first + count; ++i) quarantine.push(nth(i), 1, random);
}
template <Policy P>
std::vector<void*> all_in(const Quarantine<P>& quarantine) {
  std::vector<void*> all;
  for (std::size_t i = 0; i < quarantine.count(); ++i) all.push_back(quarantine.at(i));
  return all;
}

TEST(Quarantine, HoldsMoreBlocksWhileItIsPatient) {
  const auto quarantine = started<kHardened>();
  std::vector<void*> room = large_room();
  constexpr std::size_t kUsual = kHardened.quarantine_blocks;
  push_all(*quarantine, 0, 100);
  for (int i = 0; i < 100; ++i) quarantine->pop(1);
  push_all(*quarantine, 0, kUsual);  // round the end of the usual room
  EXPECT_TRUE(quarantine->is_full_for(1));
  const std::vector<void*> inside = all_in(*quarantine);
  quarantine->be_patient(SIZE_MAX);
  EXPECT_EQ(quarantine->room(), kUsual) << "none was lent";
  quarantine->lend(room.data(), room.size());
  EXPECT_EQ(quarantine->room(), kUsual) << "it is not needed";
  quarantine->be_patient(kMany);
  EXPECT_EQ(all_in(*quarantine), inside);
  push_all(*quarantine, kUsual, kMany);
  const std::vector<void*> all = all_in(*quarantine);
  EXPECT_EQ(all.size(), kUsual + kMany);
  EXPECT_EQ(std::set<void*>(all.begin(), all.end()).size(), kUsual + kMany);
  EXPECT_FALSE(std::is_sorted(all.begin() + kUsual, all.end())) << "in an order that nobody can foretell";
  EXPECT_FALSE(quarantine->is_full_for(1));
  quarantine->be_patient(kMany);
  EXPECT_EQ(all_in(*quarantine), all) << "when it is already";
}

// Whose policy has more wait than there is room for without, uses the lent room at once and for good.
TEST(Quarantine, UsesLentRoomAsThePolicyHasIt) {
  const auto quarantine = started<kDebug>();
  push_all(*quarantine, 0, Quarantine<kDebug>::kOwnRoom);
  EXPECT_TRUE(quarantine->is_full_for(1));
  const std::vector<void*> inside = all_in(*quarantine);
  std::vector<void*> room(kDebug.quarantine_blocks);
  quarantine->lend(room.data(), room.size());
  EXPECT_FALSE(quarantine->is_full_for(1));
  EXPECT_EQ(all_in(*quarantine), inside);
  quarantine->be_impatient();
  push_all(*quarantine, 0, room.size() - inside.size());
  EXPECT_TRUE(quarantine->is_full_for(1));
  EXPECT_EQ(quarantine->count(), kDebug.quarantine_blocks);
}

// Wherever in the large room those lie that are left.
TEST(Quarantine, KeepsWhatIsLeftWhenItIsNoLongerPatient) {
  std::vector<void*> room = large_room();
  const std::size_t many = room.size();
  constexpr std::size_t kUsual = kHardened.quarantine_blocks;
  for (const std::size_t passed : {std::size_t{0}, kUsual / 2, kUsual + 7, many - 3, many - kUsual}) {
    const auto quarantine = started<kHardened>();
    quarantine->lend(room.data(), room.size());
    quarantine->be_patient(SIZE_MAX);
    EXPECT_EQ(quarantine->room(), many);
    for (std::size_t i = 0; i < passed; ++i) {
      push_all(*quarantine, i, 1);
      quarantine->pop(1);
    }
    push_all(*quarantine, 0, kUsual + 1);
    quarantine->be_impatient();
    EXPECT_TRUE(quarantine->is_full_for(0)) << "one has to leave first";
    quarantine->pop(1);
    const std::vector<void*> inside = all_in(*quarantine);
    quarantine->be_impatient();
    EXPECT_EQ(quarantine->room(), kUsual);
    EXPECT_EQ(all_in(*quarantine), inside) << passed;
    EXPECT_TRUE(quarantine->is_full_for(1));
    quarantine->pop(1);
    push_all(*quarantine, 0, 1);
    EXPECT_EQ(quarantine->count(), kUsual);
  }
}

}  // namespace
}  // namespace trestle
