// One region over an operating system that can refuse: spans taken, coalesced, extended, cut short, retired and found.
#include "span/region.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "faults.hpp"
#include "ops/test_os.hpp"

namespace trestle {
namespace {

using ops::TestArena;
using ops::TestOs;

constexpr Granules kWhole{256};  // 16 MiB
constexpr Key kKey{11, 13};

class RegionTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(region_.reserve(os_, kKey, kWhole.bytes(), kWhole.bytes())); }
  void TearDown() override {
    region_.release(os_);
    EXPECT_EQ(arena_.breach(), nullptr);
    EXPECT_FALSE(arena_.has_reservations());
  }

  SpanDescriptor* acquire(std::uint32_t granules, SpanState state = SpanState::large) {
    bool zeroed = false;
    return region_.acquire(os_, {granules}, state, zeroed);
  }
  [[nodiscard]] std::vector<Fault> faults() const {
    std::array<Fault, 16> room{};
    FaultSink sink(room.data(), room.size());
    region_.check(sink);
    return {room.begin(), room.begin() + static_cast<std::ptrdiff_t>(std::min(room.size(), sink.count()))};
  }
  [[nodiscard]] std::size_t spans() const {
    std::size_t count = 0;
    for (const SpanDescriptor* span = region_.next(nullptr); span != nullptr; span = region_.next(span)) ++count;
    return count;
  }
  void expect_one_free_run() {
    EXPECT_TRUE(faults().empty());
    EXPECT_TRUE(region_.is_tiled());
    EXPECT_EQ(spans(), 1U);
    EXPECT_EQ(region_.counts().used_bytes, 0U);
  }

  TestArena arena_;
  TestOs os_{arena_};
  Region<TestOs> region_;
};

TEST_F(RegionTest, MakesMemoryAccessibleInStepsOfWhatItWasTold) {
  ASSERT_NE(acquire(1), nullptr);
  EXPECT_EQ(region_.committed_bytes(), kCommitBytes);
  region_.set_least_step({0});  // held to one granule
  ASSERT_NE(acquire(15), nullptr);
  EXPECT_EQ(region_.committed_bytes(), kCommitBytes);
  ASSERT_NE(acquire(1), nullptr);
  EXPECT_EQ(region_.committed_bytes(), kCommitBytes + kCommitBytes / 4);  // a quarter of what there is, if that is more
  region_.set_least_step({32});
  ASSERT_NE(acquire(4), nullptr);
  EXPECT_EQ(region_.committed_bytes(), kCommitBytes / 16 * 52);
  region_.set_least_step({UINT32_MAX});  // held to kMostStep, which is more than is left
  ASSERT_NE(acquire(32), nullptr);
  EXPECT_EQ(region_.committed_bytes(), kWhole.bytes());
}

TEST_F(RegionTest, FreedInAnyOrderTheSpansAreOneRunAgain) {
  std::array<int, 5> order{0, 1, 2, 3, 4};
  do {
    std::array<SpanDescriptor*, 5> spans{};
    for (std::size_t i = 0; i < spans.size(); ++i) spans[i] = acquire(static_cast<std::uint32_t>(i + 1));
    for (const int i : order) {
      region_.release_span(*spans[static_cast<std::size_t>(i)], i % 2 == 0, 0);
      ASSERT_TRUE(faults().empty());
    }
    ASSERT_EQ(region_.counts().free_bytes, Granules{15}.bytes());
    expect_one_free_run();
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(RegionTest, ServesTheWholeRegionAndNoMore) {
  EXPECT_EQ(acquire(kWhole.count + 1), nullptr);
  SpanDescriptor* const all = acquire(kWhole.count);
  ASSERT_NE(all, nullptr);
  EXPECT_EQ(region_.end_of(*all), region_.base() + kWhole.bytes());
  EXPECT_EQ(acquire(1), nullptr);
  region_.release_span(*all, true, 0);
  for (std::uint32_t i = 0; i < kWhole.count; ++i) ASSERT_NE(acquire(1), nullptr) << i;
  EXPECT_EQ(acquire(1), nullptr);
  EXPECT_TRUE(faults().empty());
}

TEST_F(RegionTest, ARunIsReusedBeforeTheFrontierMovesAndGrowsAtIt) {
  SpanDescriptor* const first = acquire(4);
  std::byte* const start = region_.start_of(*first);
  region_.release_span(*first, false, 0);
  SpanDescriptor* const part = acquire(3);
  EXPECT_EQ(region_.start_of(*part), start);
  region_.release_span(*part, false, 0);
  SpanDescriptor* const larger = acquire(20);
  EXPECT_EQ(region_.start_of(*larger), start) << "the free end of the region is part of it";
  EXPECT_EQ(spans(), 1U);
  EXPECT_TRUE(faults().empty());
}

TEST_F(RegionTest, TellsWhetherASpanReadsAsZero) {
  bool zeroed = false;
  SpanDescriptor* span = region_.acquire(os_, {2}, SpanState::large, zeroed);
  EXPECT_TRUE(zeroed);
  *region_.start_of(*span) = std::byte{9};
  region_.release_span(*span, true, 0);
  span = region_.acquire(os_, {1}, SpanState::large, zeroed);
  EXPECT_FALSE(zeroed);
  region_.release_span(*span, true, 0);
  ASSERT_TRUE(region_.purge(os_, *region_.oldest_dirty(), 0));
  EXPECT_EQ(region_.oldest_dirty(), nullptr);
  span = region_.acquire(os_, {1}, SpanState::large, zeroed);
  EXPECT_TRUE(zeroed);
  EXPECT_EQ(*region_.start_of(*span), std::byte{0});
  EXPECT_TRUE(faults().empty());
}

// Of a free span no more is dirty than from the first to the last part that was, and so in each part that is cut off.
TEST_F(RegionTest, WhatIsCleanBesideWhatIsDirtyStaysClean) {
  constexpr std::uint32_t kPart = 4;
  SpanDescriptor* const parts[] = {acquire(kPart), acquire(kPart), acquire(kPart), acquire(kPart)};
  ASSERT_NE(acquire(1), nullptr);
  const Granules first = parts[0]->first;
  const auto dirty = [&] {
    const GranuleRange held = region_.next(nullptr)->dirty_range();
    return std::pair{(held.first - first).count, (held.end - first).count};
  };
  region_.release_span(*parts[0], false, 0);
  region_.release_span(*parts[1], true, 0);
  EXPECT_EQ(dirty(), std::pair(4U, 8U));
  EXPECT_EQ(region_.counts().dirty_bytes, kPart * kGranule);
  region_.release_span(*parts[2], false, 0);
  EXPECT_EQ(dirty(), std::pair(4U, 8U));
  region_.release_span(*parts[3], true, 0);
  EXPECT_EQ(dirty(), std::pair(4U, 16U)) << "the part between two that are dirty counts as such";
  bool zeroed = false;
  SpanDescriptor* const clean = region_.acquire(os_, {kPart}, SpanState::large, zeroed);
  EXPECT_TRUE(zeroed);
  SpanDescriptor* const held = region_.acquire(os_, {kPart}, SpanState::large, zeroed);
  EXPECT_FALSE(zeroed);
  EXPECT_EQ(region_.counts().dirty_bytes, 2 * (kPart * kGranule));
  region_.release_span(*clean, false, 0);
  ASSERT_TRUE(region_.extend(os_, *held, {kPart + 2}));
  EXPECT_EQ(region_.counts().dirty_bytes, (kPart - 1) * kGranule * 2);
  region_.release_span(*held, false, 0);
  EXPECT_EQ(dirty(), std::pair(10U, 16U));
  ASSERT_NE(region_.oldest_dirty(), nullptr);
  std::byte* const clean_part = region_.start_of(*region_.next(nullptr));
  *clean_part = std::byte{7};
  ASSERT_TRUE(region_.purge(os_, *region_.oldest_dirty(), 0));
  EXPECT_EQ(*clean_part, std::byte{7}) << "no more is asked of the system than what may hold pages";
  EXPECT_EQ(dirty().first, dirty().second);
  EXPECT_EQ(region_.counts().dirty_bytes, 0U);
  EXPECT_TRUE(faults().empty());
}

// I23: the part is checked though a seal is over it, for what would seal a wrong one.
TEST_F(RegionTest, ADirtyPartThatIsNotTheSpansIsFound) {
  SpanDescriptor* const span = acquire(4);
  ASSERT_NE(acquire(1), nullptr);
  region_.release_span(*span, true, 0);
  ASSERT_TRUE(faults().empty());
  const auto sealed = [&](std::uint64_t from, std::uint64_t count, bool dirty = true) {
    span->dirty = dirty;
    span->payload = from;
    span->requested = count;
    region_.seal(*span);
    return has(faults(), FaultKind::span_tiling, span);
  };
  EXPECT_TRUE(sealed(3, 2)) << "beyond its end";
  EXPECT_TRUE(sealed(4, 1)) << "behind it";
  EXPECT_TRUE(sealed(std::uint64_t{1} << 32, 1)) << "far behind it";
  EXPECT_TRUE(sealed(0, 0)) << "none, though it is dirty";
  EXPECT_TRUE(sealed(0, 4, false)) << "all, though it is not";
  EXPECT_FALSE(sealed(0, 4));
  EXPECT_TRUE(faults().empty());
}

TEST_F(RegionTest, ExtendsIntoAFreeNeighbourAndOverTheFrontierOnly) {
  SpanDescriptor* const one = acquire(2);
  SpanDescriptor* const next = acquire(3);
  SpanDescriptor* const wall = acquire(1);
  EXPECT_FALSE(region_.extend(os_, *one, {3})) << "its neighbour is in use";
  region_.release_span(*next, false, 0);
  EXPECT_TRUE(region_.extend(os_, *one, {3}));
  EXPECT_TRUE(faults().empty());
  EXPECT_FALSE(region_.extend(os_, *one, {6})) << "only two granules are free";
  EXPECT_TRUE(region_.extend(os_, *one, {5}));
  EXPECT_EQ(spans(), 2U);
  EXPECT_TRUE(region_.extend(os_, *wall, {50})) << "at the frontier";
  EXPECT_FALSE(region_.extend(os_, *wall, {kWhole.count}));
  EXPECT_EQ(region_.find(region_.end_of(*wall) - 1), wall);
  EXPECT_EQ(region_.find(region_.end_of(*one) - 1), one);
  EXPECT_EQ(region_.counts().used_bytes, Granules{55}.bytes());
  EXPECT_TRUE(faults().empty());
}

TEST_F(RegionTest, ATruncatedSpanGivesItsTailBack) {
  SpanDescriptor* const one = acquire(10);
  SpanDescriptor* const wall = acquire(1);
  region_.truncate(*one, {10}, 0);
  EXPECT_EQ(one->length, Granules{10});
  region_.truncate(*one, {4}, 0);
  EXPECT_EQ(one->length, Granules{4});
  EXPECT_EQ(region_.counts().dirty_bytes, Granules{6}.bytes());
  EXPECT_EQ(region_.find(region_.end_of(*one) - 1), one);
  EXPECT_EQ(region_.find(region_.start_of(*wall)), wall);
  EXPECT_TRUE(faults().empty());
  region_.release_span(*one, true, 0);
  region_.release_span(*wall, true, 0);
  expect_one_free_run();
}

TEST_F(RegionTest, RetiredSpansWaitInTheirOrder) {
  std::array<SpanDescriptor*, 3> spans{acquire(1), acquire(2), acquire(3)};
  for (SpanDescriptor* const span : {spans[1], spans[0], spans[2]}) region_.push_retired(*span, 0);
  EXPECT_EQ(region_.counts().retired_bytes, Granules{6}.bytes());
  EXPECT_TRUE(faults().empty());
  for (SpanDescriptor* const expected : {spans[1], spans[0], spans[2]}) {
    SpanDescriptor* const oldest = region_.oldest_retired();
    ASSERT_EQ(oldest, expected);
    region_.take_retired(*oldest);
    region_.release_span(*oldest, false, 0);
    ASSERT_TRUE(faults().empty());
  }
  EXPECT_EQ(region_.oldest_retired(), nullptr);
  expect_one_free_run();
}

TEST_F(RegionTest, FindsEveryByteOfASpanAndNothingElse) {
  SpanDescriptor* const one = acquire(3);
  SpanDescriptor* const two = acquire(5, SpanState::blocks);
  for (const SpanDescriptor* const span : {one, two}) {
    for (std::byte* at = region_.start_of(*span); at < region_.end_of(*span); at += kGranule / 2 - 8)
      ASSERT_EQ(region_.find(at), span);
    EXPECT_EQ(region_.find(region_.end_of(*span) - 1), span);
  }
  int local = 0;
  const auto base = reinterpret_cast<std::uintptr_t>(region_.base());
  for (const std::uintptr_t wild :
       {std::uintptr_t{0}, std::uintptr_t{1}, ~std::uintptr_t{0}, reinterpret_cast<std::uintptr_t>(&local), base - 1,
        base + Granules{8}.bytes(), base + kWhole.bytes() - 1, base + kWhole.bytes()}) {
    EXPECT_EQ(region_.find(reinterpret_cast<void*>(wild)), nullptr) << std::hex << wild;
  }
  EXPECT_FALSE(region_.holds(&local));
  EXPECT_FALSE(region_.holds(region_.base() + kWhole.bytes()));
  EXPECT_TRUE(region_.holds(region_.base() + kWhole.bytes() - 1));
}

// The record of a span that was coalesced away is sound, and heads inside the run still name it: no address leads to it.
TEST_F(RegionTest, FindsNoSpanThatWasCoalescedAway) {
  SpanDescriptor* const one = acquire(1);
  SpanDescriptor* const two = acquire(2);
  SpanDescriptor* const three = acquire(3);
  region_.release_span(*one, false, 0);
  region_.release_span(*two, false, 0);
  region_.release_span(*three, false, 0);
  for (std::uint32_t i = 0; i < 6; ++i) {
    const SpanDescriptor* const found = region_.find(region_.base() + Granules{i}.bytes());
    EXPECT_TRUE(found == nullptr || found == one) << i;
  }
}

// Whatever call the system refuses, the region stays sound, and serves again afterwards.
TEST_F(RegionTest, ARefusedCommitLeavesItAsItWas) {
  for (std::size_t nth = 1; nth <= 6; ++nth) {
    SpanDescriptor* const before = acquire(3);
    arena_.refuse(nth);
    bool zeroed = false;
    SpanDescriptor* const during = region_.acquire(os_, {30}, SpanState::large, zeroed);
    arena_.refuse(0);
    ASSERT_TRUE(faults().empty()) << nth;
    SpanDescriptor* const after = acquire(30);
    ASSERT_NE(after, nullptr) << nth;
    if (during != nullptr) region_.release_span(*during, false, 0);
    region_.release_span(*after, false, 0);
    region_.release_span(*before, false, 0);
    expect_one_free_run();
    region_.release(os_);
    ASSERT_TRUE(region_.reserve(os_, kKey, kWhole.bytes(), kWhole.bytes()));
  }
}

// What the descriptors of used spans are is reported to the bit, and no call finds a span by a descriptor that is not sound.
TEST_F(RegionTest, EachFlippedBitOfAUsedSpansDescriptorIsReported) {
  constexpr std::size_t kLinks = 2 * sizeof(SpanLink);  // unsealed, and of no meaning for a span in use
  ASSERT_NE(acquire(2), nullptr);
  for (const SpanState state : {SpanState::large, SpanState::blocks}) {
    SpanDescriptor* const span = acquire(3, state);
    ASSERT_NE(acquire(1), nullptr);
    span->payload = 4096;
    span->requested = 100;
    region_.seal(*span);
    std::byte* const inside = region_.start_of(*span) + 5;
    for (unsigned bit = 0; bit < (sizeof(SpanDescriptor) - kLinks) * 8; ++bit) {
      flip_bit(span, bit);
      ASSERT_TRUE(has(faults(), FaultKind::descriptor_corrupt, span)) << "bit " << bit;
      ASSERT_EQ(region_.find(inside), nullptr) << "bit " << bit;
      ASSERT_FALSE(region_.is_tiled());
      flip_bit(span, bit);
    }
    EXPECT_EQ(region_.find(inside), span);
    EXPECT_TRUE(faults().empty());
  }
}

// A free span's descriptor is neither found nor followed; check reports all of it, its links too.
TEST_F(RegionTest, EachFlippedBitOfAFreeDirtySpansDescriptorIsReported) {
  SpanDescriptor* const left = acquire(2);
  ASSERT_NE(acquire(1), nullptr);
  SpanDescriptor* const right = acquire(2);
  ASSERT_NE(acquire(1), nullptr);
  region_.release_span(*left, true, 0);
  region_.release_span(*right, true, 0);
  ASSERT_TRUE(faults().empty());
  for (SpanDescriptor* const span : {left, right}) {
    for (unsigned bit = 0; bit < sizeof(SpanDescriptor) * 8; ++bit) {
      flip_bit(span, bit);
      ASSERT_FALSE(faults().empty()) << "bit " << bit << " of " << (span == left ? "left" : "right");
      flip_bit(span, bit);
    }
  }
  EXPECT_TRUE(faults().empty());
}

TEST_F(RegionTest, ACorruptFreeSpanIsNeitherHandedOutNorCoalescedWith) {
  SpanDescriptor* const free = acquire(4);
  SpanDescriptor* const next = acquire(2);
  ASSERT_NE(acquire(1), nullptr);
  region_.release_span(*free, true, 0);
  std::byte* const start = region_.start_of(*free);
  flip_bit(free, 64 + 32);  // its length
  SpanDescriptor* const got = acquire(3);
  EXPECT_TRUE(got == nullptr || region_.start_of(*got) != start);
  region_.release_span(*next, true, 0);
  EXPECT_NE(next->first, Granules{0}) << "released on its own";
  EXPECT_TRUE(has(faults(), FaultKind::descriptor_corrupt, free));
}

TEST(RegionReserve, HalvesUntilItFitsAndLeavesHalfOfThatToOthers) {
  TestArena arena;
  TestOs os(arena);
  Region<TestOs> region;
  ASSERT_TRUE(region.reserve(os, kKey, std::size_t{4} << 40, std::size_t{2} << 20));
  EXPECT_LE(region.reserved_bytes(), TestArena::kBytes / 2);
  EXPECT_GE(region.reserved_bytes(), TestArena::kBytes / 8);
  bool zeroed = false;
  EXPECT_NE(region.acquire(os, {32}, SpanState::large, zeroed), nullptr);
  region.release(os);
  EXPECT_FALSE(region.reserve(os, kKey, TestArena::kBytes * 4, TestArena::kBytes * 2))
      << "less than the least is no region";
  EXPECT_FALSE(arena.has_reservations());
}

}  // namespace
}  // namespace trestle
