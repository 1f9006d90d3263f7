#include "heap/magazine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "policies.hpp"

namespace trestle {
namespace {

template <class T>
class MagazineTest : public testing::Test {
 protected:
  using Type = Magazine<T::kPolicy>;
  static constexpr SizeClass kClass = class_for(64);

  void SetUp() override { magazine_.start(room_.data(), kClass); }
  static void* slot(std::size_t i) { return reinterpret_cast<void*>((i + 1) * 64); }
  std::set<void*> all() {
    std::set<void*> seen;
    for (void* const at : magazine_.ready()) EXPECT_TRUE(seen.insert(at).second);
    for (void* const at : magazine_.waiting()) EXPECT_TRUE(seen.insert(at).second);
    for (void* const at : magazine_.homebound()) EXPECT_TRUE(seen.insert(at).second);
    return seen;
  }

  std::array<void*, Type::room(kClass)> room_{};
  Type magazine_;
  std::uint64_t random_ = 9;
};
TYPED_TEST_SUITE(MagazineTest, EveryPolicy, PolicyNames);

TYPED_TEST(MagazineTest, KeepsEachSlotOnceAndGivesItBackOnce) {
  std::set<void*> in;
  std::size_t next = 0;
  for (int round = 0; round < 2000; ++round) {
    if (random_below(this->random_, 2) == 0) {
      if (this->magazine_.is_full()) {
        const std::span<void*> old = this->magazine_.older_half();
        for (void* const at : old) ASSERT_EQ(in.erase(at), 1U);
        this->magazine_.dropped(old.size());
        this->magazine_.grow();
      }
      this->magazine_.push(this->slot(next), this->random_);
      in.insert(this->slot(next++));
    } else if (void* const at = this->magazine_.pop()) {
      ASSERT_EQ(in.erase(at), 1U);
    }
    ASSERT_EQ(this->all(), in);
  }
}

TYPED_TEST(MagazineTest, ASlotWaitsForAsManyOthersAsThePolicySays) {
  constexpr std::size_t kDelay = TestFixture::Type::delay(TestFixture::kClass);
  EXPECT_EQ(kDelay, std::min<std::size_t>(TypeParam::kPolicy.slot_delay, 64));
  for (std::size_t i = 0; i < kDelay; ++i) {
    this->magazine_.push(this->slot(i), this->random_);
    EXPECT_EQ(this->magazine_.pop(), nullptr) << i;
  }
  for (std::size_t i = 0; i < 3 * kDelay + 1; ++i) {
    this->magazine_.push(this->slot(kDelay + i), this->random_);
    EXPECT_EQ(this->magazine_.pop(), this->slot(i)) << "the first in is the first out";
  }
}

// Beside those that are ready and those that wait, which are left alone.
TYPED_TEST(MagazineTest, SlotsArriveAtHomeInTheirOrderAfterAsManyOthersAsThePolicySays) {
  constexpr std::size_t kDelay = TestFixture::Type::delay(TestFixture::kClass);
  constexpr std::size_t kOwn = 1000;
  for (std::size_t i = 0; i < kDelay + 1; ++i) this->magazine_.push(this->slot(kOwn + i), this->random_);
  std::size_t sent = 0;
  std::size_t arrived = 0;
  for (int round = 0; round < 5; ++round) {
    while (this->magazine_.has_room_homebound()) this->magazine_.send_home(this->slot(sent++));
    EXPECT_EQ(this->all().size(), sent - arrived + kDelay + 1);
    const std::span<void*> arriving = this->magazine_.arriving();
    ASSERT_GT(arriving.size(), 16U);
    for (std::size_t i = 0; i < arriving.size(); ++i) EXPECT_EQ(arriving[i], this->slot(arrived + i));
    arrived += arriving.size();
    this->magazine_.arrived(arriving.size());
    EXPECT_EQ(sent - arrived, kDelay);
    EXPECT_TRUE(this->magazine_.arriving().empty());
  }
  EXPECT_EQ(this->magazine_.pop(), this->slot(kOwn));
  EXPECT_EQ(this->magazine_.pop(), nullptr);
}

// With random reuse the next slot to go stays the next, and a newcomer may be at any place behind it; without, it is the next.
TYPED_TEST(MagazineTest, ASlotIsReusedAtRandomWhereThePolicySaysSo) {
  constexpr std::size_t kReady = 8;
  constexpr std::size_t kDelay = TestFixture::Type::delay(TestFixture::kClass);
  for (int i = 0; i < 3; ++i) this->magazine_.grow();
  std::size_t next = 0;
  std::array<int, kReady + 1> places{};  // of the newcomer, 0: the first to go
  for (int i = 0; i < 800; ++i) {
    while (this->magazine_.ready().size() < kReady) this->magazine_.push(this->slot(next++), this->random_);
    void* const first = this->magazine_.ready().back();
    void* const newcomer = this->slot(next - kDelay);
    this->magazine_.push(this->slot(next++), this->random_);
    EXPECT_EQ(this->magazine_.ready().back() == first, TypeParam::kPolicy.random_reuse);
    for (std::size_t place = 0; place <= kReady; ++place) {
      if (this->magazine_.pop() == newcomer) ++places[place];
    }
    ASSERT_EQ(this->magazine_.pop(), nullptr);
  }
  if (!TypeParam::kPolicy.random_reuse) {
    EXPECT_EQ(places[0], 800);
    return;
  }
  EXPECT_EQ(places[0], 0);
  for (std::size_t place = 1; place <= kReady; ++place) {
    EXPECT_GT(places[place], 50) << place;
    EXPECT_LT(places[place], 150) << place;
  }
}

// Of two that are ready, either may be the next.
TYPED_TEST(MagazineTest, OfFewNotEvenTheNextOneIsCertain) {
  constexpr std::size_t kDelay = TestFixture::Type::delay(TestFixture::kClass);
  std::size_t next = 0;
  int newcomers = 0;
  for (int i = 0; i < 400; ++i) {
    while (this->magazine_.ready().size() < 2) this->magazine_.push(this->slot(next++), this->random_);
    newcomers += this->magazine_.pop() == this->slot(next - 1 - kDelay) ? 1 : 0;
    while (this->magazine_.pop() != nullptr) {
    }
  }
  if (TypeParam::kPolicy.random_reuse) {
    EXPECT_GT(newcomers, 100);
    EXPECT_LT(newcomers, 300);
  } else {
    EXPECT_EQ(newcomers, 400);
  }
}

TYPED_TEST(MagazineTest, ABatchComesOutWholeUpwardsOrDownwardsWhereReuseIsRandom) {
  this->magazine_.grow();
  this->magazine_.grow();
  std::size_t upwards = 0;
  constexpr std::size_t kTimes = 64;
  for (std::size_t time = 0; time < kTimes; ++time) {
    const std::span<void*> batch = this->magazine_.empty_half();
    ASSERT_GE(batch.size(), 16U);
    for (std::size_t i = 0; i < batch.size(); ++i) batch[i] = this->slot(i);
    const std::size_t count = batch.size();
    this->magazine_.filled(count, false, this->random_);
    void* const first = this->magazine_.pop();
    const bool up = first == this->slot(0);
    upwards += up ? 1 : 0;
    for (std::size_t i = 0; i < count; ++i)
      EXPECT_EQ(i == 0 ? first : this->magazine_.pop(), this->slot(up ? i : count - 1 - i));
    EXPECT_EQ(this->magazine_.pop(), nullptr);
  }
  if (TypeParam::kPolicy.random_reuse) {
    EXPECT_GT(upwards, kTimes / 4);
    EXPECT_LT(upwards, kTimes * 3 / 4);
  } else {
    EXPECT_EQ(upwards, 0U);
  }
}

TYPED_TEST(MagazineTest, ABatchComesOutInAnyOrderWhereItIsShuffled) {
  this->magazine_.grow();
  this->magazine_.grow();
  const std::span<void*> batch = this->magazine_.empty_half();
  for (std::size_t i = 0; i < batch.size(); ++i) batch[i] = this->slot(i);
  const std::size_t count = batch.size();
  this->magazine_.filled(count, true, this->random_);
  std::vector<void*> out;
  while (void* const slot = this->magazine_.pop()) out.push_back(slot);
  const bool is_ordered = std::is_sorted(out.begin(), out.end()) || std::is_sorted(out.rbegin(), out.rend());
  EXPECT_EQ(is_ordered, !TypeParam::kPolicy.random_reuse);
  EXPECT_EQ(std::set<void*>(out.begin(), out.end()).size(), count);
}

TYPED_TEST(MagazineTest, WhatNobodyNeededSinceTheLastLookIsIdleByHalf) {
  const std::span<void*> batch = this->magazine_.empty_half();
  for (std::size_t i = 0; i < batch.size(); ++i) batch[i] = this->slot(i);
  const std::size_t count = batch.size();
  this->magazine_.filled(count, false, this->random_);
  EXPECT_TRUE(this->magazine_.idle().empty()) << "a batch was needed";
  this->magazine_.begin_look();
  EXPECT_EQ(this->magazine_.idle().size(), count / 2);
}

TYPED_TEST(MagazineTest, LargerSlotsAreFewer) {
  for (std::uint8_t i = 1; i < kSizeClasses; ++i) {
    EXPECT_LE(TestFixture::Type::most({i}), TestFixture::Type::most({static_cast<std::uint8_t>(i - 1)}));
    EXPECT_GE(TestFixture::Type::most({i}), 2U);
    EXPECT_LE(TestFixture::Type::delay({i}) * 2, TestFixture::Type::most({i}));
    EXPECT_GT(TestFixture::Type::homebound_room({i}), TestFixture::Type::delay({i}));
  }
}

}  // namespace
}  // namespace trestle
