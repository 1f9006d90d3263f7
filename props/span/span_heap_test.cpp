// SpanHeap: decay and budget by a clock that the test moves, regions that are added as one fills, and limited address space.
#include "span/span_heap.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <vector>

#include "base/poison.hpp"
#include "child.hpp"
#include "faults.hpp"
#include "ops/test_os.hpp"
#include "os/linux_os.hpp"

namespace trestle {
namespace {

using ops::TestArena;
using ops::TestOs;

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::uint64_t kDecay = 1000;

template <Os O>
std::vector<Fault> faults_in(const SpanHeap<O>& spans) {
  std::array<Fault, 16> room{};
  FaultSink sink(room.data(), room.size());
  spans.check(sink);
  return {room.begin(), room.begin() + static_cast<std::ptrdiff_t>(std::min(room.size(), sink.count()))};
}

class SpanHeapTest : public testing::Test {
 protected:
  void start(const SpanConfig& config) { ASSERT_TRUE(spans_.start(key_from(3), config)); }
  void TearDown() override {
    EXPECT_TRUE(faults_in(spans_).empty());
    spans_.stop();
    EXPECT_EQ(arena_.breach(), nullptr);
    EXPECT_FALSE(arena_.has_reservations());
  }
  SpanRef<TestOs> acquire(std::size_t bytes) { return spans_.acquire(bytes, SpanState::large); }
  [[nodiscard]] std::size_t regions() const {
    std::size_t count = 0;
    spans_.for_each_region([&](const auto&) { return ++count != 0; });
    return count;
  }

  TestArena arena_;
  SpanHeap<TestOs> spans_{TestOs{arena_}};
};

TEST_F(SpanHeapTest, CommitsAsMuchAheadAsItIsTold) {
  start({.region_bytes = 32 * kMiB, .decay_ms = kDecay, .dirty_bytes = 32 * kMiB, .commit_bytes = kGranule});
  const auto one = acquire(kGranule);
  EXPECT_EQ(one.region->committed_bytes(), kGranule);
  spans_.release(one, false);
}

TEST_F(SpanHeapTest, WhatIsDirtyGoesBackWhenItIsOldEnough) {
  start({.region_bytes = 32 * kMiB, .decay_ms = kDecay, .dirty_bytes = 32 * kMiB});
  const auto one = acquire(kMiB);
  const auto wall = acquire(kMiB);
  const auto two = acquire(kMiB);
  ASSERT_FALSE(acquire(kMiB).is_empty());
  spans_.release(one, true);
  arena_.advance(600);
  spans_.release(two, true);
  EXPECT_EQ(spans_.counts().dirty_bytes, 2 * kMiB);
  arena_.advance(399);
  spans_.purge_old(arena_.now_ms());
  EXPECT_EQ(spans_.purges(), 0U) << "a millisecond early";
  arena_.advance(1);
  spans_.purge_old(arena_.now_ms());
  EXPECT_EQ(spans_.purges(), 1U);
  EXPECT_EQ(spans_.counts().dirty_bytes, kMiB);
  arena_.advance(kDecay);
  spans_.release(wall, false);  // coalesces all three: dirty anew
  spans_.purge_old(arena_.now_ms() + kDecay);
  EXPECT_EQ(spans_.counts().dirty_bytes, 0U);
}

// Spans freed in a row coalesce with what went back already, and do not have all of it given back again each time.
TEST_F(SpanHeapTest, ARowOfSpansGivesEachPageBackOnce) {
  constexpr std::size_t kSpans = 24;
  constexpr std::size_t kBudget = 4;
  for (const bool backwards : {false, true}) {
    start({.region_bytes = 32 * kMiB, .decay_ms = kDecay, .dirty_bytes = kBudget * kMiB});
    std::array<SpanRef<TestOs>, kSpans> row;
    for (auto& each : row) each = acquire(kMiB);
    ASSERT_FALSE(acquire(kMiB).is_empty());
    if (backwards) std::reverse(row.begin(), row.end());
    for (const auto& each : row) {
      spans_.release(each, true);
      EXPECT_LE(spans_.counts().dirty_bytes, kBudget * kMiB);
    }
    EXPECT_EQ(spans_.purges(), kSpans / (kBudget + 1));
    if (!backwards) spans_.stop();
  }
}

// The rest of a span that was cut, by acquire or by extend, is as old as the whole was, and goes before what is younger.
TEST_F(SpanHeapTest, TheRestOfASpanThatWasCutKeepsItsAge) {
  start({.region_bytes = 32 * kMiB, .decay_ms = kDecay, .dirty_bytes = 32 * kMiB});
  const auto old = acquire(8 * kGranule);
  const auto wall = acquire(kGranule);
  const auto other_old = acquire(8 * kGranule);
  ASSERT_FALSE(acquire(kGranule).is_empty());
  const auto young = acquire(kGranule);
  ASSERT_FALSE(acquire(kGranule).is_empty());
  spans_.release(old, true);
  spans_.release(other_old, true);
  arena_.advance(600);
  spans_.release(young, true);
  ASSERT_TRUE(wall.region->extend(spans_.os(), *wall.span, Granules{4}));
  ASSERT_EQ(acquire(6 * kGranule).span, old.span);
  arena_.advance(400);
  spans_.purge_old(arena_.now_ms());
  EXPECT_EQ(spans_.counts().dirty_bytes, kGranule) << "the young one alone";
}

TEST_F(SpanHeapTest, TheOldestGoBackAtOnceBeyondTheBudget) {
  start({.region_bytes = 32 * kMiB, .decay_ms = kDecay, .dirty_bytes = 2 * kMiB});
  std::vector<SpanRef<TestOs>> apart;
  for (int i = 0; i < 4; ++i) {
    apart.push_back(acquire(kMiB));
    ASSERT_FALSE(acquire(kGranule).is_empty());
  }
  for (const auto& ref : apart) {
    *ref.start() = std::byte{1};
    spans_.release(ref, true);
    EXPECT_LE(spans_.counts().dirty_bytes, 2 * kMiB);
  }
  EXPECT_EQ(spans_.purges(), 2U);
  EXPECT_EQ(*apart[0].start(), std::byte{0});
  EXPECT_EQ(*apart[1].start(), std::byte{0});
  EXPECT_EQ(*apart[3].start(), std::byte{1}) << "the youngest stays";
}

TEST_F(SpanHeapTest, ARefusedPurgeIsTriedAgainAtTheNextAge) {
  start({.region_bytes = 32 * kMiB, .decay_ms = kDecay, .dirty_bytes = 32 * kMiB});
  const auto one = acquire(kMiB);
  ASSERT_FALSE(acquire(kGranule).is_empty());
  spans_.release(one, true);
  arena_.advance(kDecay);
  arena_.refuse(1);
  spans_.purge_old(arena_.now_ms());
  EXPECT_EQ(spans_.counts().dirty_bytes, kMiB);
  spans_.purge_old(arena_.now_ms());
  EXPECT_EQ(spans_.counts().dirty_bytes, kMiB) << "it counts as young again";
  arena_.advance(kDecay);
  spans_.purge_old(arena_.now_ms());
  EXPECT_EQ(spans_.counts().dirty_bytes, 0U);
}

TEST_F(SpanHeapTest, TrimGivesAllBackButWhatIsToBeKept) {
  start({.region_bytes = 32 * kMiB, .decay_ms = kDecay, .dirty_bytes = 32 * kMiB});
  EXPECT_FALSE(spans_.trim(0));
  std::vector<SpanRef<TestOs>> apart;
  for (int i = 0; i < 4; ++i) {
    apart.push_back(acquire(kMiB));
    ASSERT_FALSE(acquire(kGranule).is_empty());
  }
  for (const auto& ref : apart) spans_.release(ref, true);
  EXPECT_TRUE(spans_.trim(2 * kMiB));
  EXPECT_EQ(spans_.counts().dirty_bytes, 2 * kMiB);
  EXPECT_TRUE(spans_.trim(0));
  EXPECT_EQ(spans_.counts().dirty_bytes, 0U);
}

// Random takes and releases while the clock runs: no page of a live span ever loses a byte.
TEST_F(SpanHeapTest, PurgingNeverTouchesALivePage) {
  start({.region_bytes = 32 * kMiB, .decay_ms = kDecay, .dirty_bytes = 4 * kMiB});
  std::uint64_t random = 9;
  struct Held {
    SpanRef<TestOs> ref;
    std::uint8_t mark;
  };
  std::vector<Held> held;
  for (int round = 0; round < 1500; ++round) {
    if (held.size() < 20 && random_below(random, 2) == 0) {
      const auto ref = acquire(1 + random_below(random, 6 * kGranule));
      ASSERT_FALSE(ref.is_empty());
      ASSERT_TRUE(!ref.zeroed || first_other(ref.start(), ref.bytes(), 0) == nullptr) << "not zero after all";
      held.push_back({ref, static_cast<std::uint8_t>(round | 1)});
      fill(ref.start(), ref.bytes(), held.back().mark);
    } else if (!held.empty()) {
      std::swap(held[random_below(random, held.size())], held.back());
      const Held last = held.back();
      held.pop_back();
      ASSERT_EQ(first_other(last.ref.start(), last.ref.bytes(), last.mark), nullptr) << round;
      spans_.release(last.ref, true);
    }
    arena_.advance(random_below(random, 300));
    ASSERT_TRUE(faults_in(spans_).empty()) << round;
  }
  for (const Held& one : held) EXPECT_EQ(first_other(one.ref.start(), one.ref.bytes(), one.mark), nullptr);
  EXPECT_GT(spans_.purges(), 50U);
}

TEST_F(SpanHeapTest, MoreRegionsAreAddedAsOneFills) {
  start({.region_bytes = 2 * kMiB, .decay_ms = kDecay, .dirty_bytes = kMiB});
  std::vector<SpanRef<TestOs>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(acquire(kMiB));
    ASSERT_FALSE(all.back().is_empty()) << i;
    fill(all.back().start(), kMiB, static_cast<std::uint8_t>(i + 1));
  }
  EXPECT_EQ(regions(), 10U);
  const auto larger = acquire(5 * kMiB);
  ASSERT_FALSE(larger.is_empty()) << "a region is as large as what it is added for";
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(first_other(all[i].start(), kMiB, static_cast<std::uint8_t>(i + 1)), nullptr);
    const auto found = spans_.find(all[i].start() + kMiB / 2);
    EXPECT_TRUE(found.region == all[i].region && found.span == all[i].span);
    spans_.release(all[i], true);
  }
  EXPECT_EQ(spans_.counts().used_bytes, larger.bytes());
}

TEST_F(SpanHeapTest, RefusesWhenNoRegionCanBeAddedAndServesOn) {
  start({.region_bytes = 2 * kMiB, .decay_ms = kDecay, .dirty_bytes = kMiB});
  std::vector<SpanRef<TestOs>> all;
  for (;;) {
    const auto ref = acquire(kMiB);
    if (ref.is_empty()) break;
    all.push_back(ref);
  }
  EXPECT_GT(all.size(), 30U);
  EXPECT_TRUE(acquire(SIZE_MAX).is_empty());
  EXPECT_TRUE(acquire(std::size_t{8} << 40).is_empty());
  spans_.release(all.back(), true);
  EXPECT_FALSE(acquire(kMiB).is_empty());
}

TEST_F(SpanHeapTest, FindsNothingForWildPointers) {
  start({.region_bytes = 4 * kMiB, .decay_ms = kDecay, .dirty_bytes = kMiB});
  const auto one = acquire(kGranule);
  const auto freed = acquire(kGranule);
  ASSERT_FALSE(acquire(kGranule).is_empty());
  spans_.release(freed, false);
  int local = 0;
  EXPECT_TRUE(spans_.find(&local).is_empty());
  EXPECT_TRUE(spans_.find(nullptr).is_empty());
  EXPECT_TRUE(spans_.find(reinterpret_cast<void*>(~std::uintptr_t{0})).is_empty());
  EXPECT_TRUE(spans_.find(one.region->base() + 4 * kMiB).is_empty());
  EXPECT_EQ(spans_.find(one.end() - 1).span, one.span);
  const auto found = spans_.find(freed.start());
  EXPECT_TRUE(found.is_empty() || !found.span->is_in_use());
}

TEST(SpanHeapOnLinux, PurgedSpansHoldNoPages) {
  static constinit SpanHeap<LinuxOs> spans{LinuxOs{}};
  ASSERT_TRUE(spans.start(key_from(3), {.region_bytes = 64 * kMiB, .decay_ms = 0, .dirty_bytes = 0}));
  const auto ref = spans.acquire(8 * kMiB, SpanState::large);
  ASSERT_FALSE(ref.is_empty());
  std::byte* const at = ref.start();
  fill(at, 8 * kMiB, 0x55);
  std::vector<unsigned char> in(8 * kMiB / kOsPage);
  ASSERT_EQ(mincore(at, 8 * kMiB, in.data()), 0);
  EXPECT_TRUE(std::all_of(in.begin(), in.end(), [](unsigned char page) { return (page & 1) != 0; }));
  spans.release(ref, true);
  ASSERT_EQ(mincore(at, 8 * kMiB, in.data()), 0);
  EXPECT_TRUE(std::none_of(in.begin(), in.end(), [](unsigned char page) { return (page & 1) != 0; }));
  EXPECT_EQ(first_other(at, 8 * kMiB, 0), nullptr);
  spans.stop();
}

// Pages of address space that the process has mapped already; a sanitizer's shadow is part of it.
std::size_t mapped_bytes() {
  std::size_t pages = 0;
  return std::ifstream("/proc/self/statm") >> pages ? pages * kOsPage : SIZE_MAX;
}

// In a child, under a limit of half a gigabyte more than it has: a smaller region, room left for others, and spans.
int serve_under_a_limit() {
  constexpr std::size_t kMore = 512 * kMiB;
  const std::size_t mapped = mapped_bytes();
  const rlimit limit{mapped + kMore, mapped + kMore};
  if (mapped == SIZE_MAX || setrlimit(RLIMIT_AS, &limit) != 0) return 1;
  static constinit SpanHeap<LinuxOs> spans{LinuxOs{}};
  if (!spans.start(key_from(3), {.region_bytes = std::size_t{1} << 40, .decay_ms = kDecay, .dirty_bytes = kMiB}))
    return 2;
  std::size_t reserved = 0;
  spans.for_each_region([&](const auto& region) { return (reserved = region.reserved_bytes()) != 0; });
  if (reserved > kMore / 2 || reserved < kMore / 8) return 3;
  void* const others = mmap(nullptr, kMore / 4, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (others == MAP_FAILED) return 4;
  std::size_t served = 0;
  while (!spans.acquire(8 * kMiB, SpanState::large).is_empty()) served += 8 * kMiB;
  if (served < kMore / 4) return 5;
  return faults_in(spans).empty() ? 0 : 6;
}

TEST(SpanHeapOnLinux, StartsSmallerWhereAddressSpaceIsLimited) { EXPECT_EQ(run_in_child(serve_under_a_limit), 0); }

}  // namespace
}  // namespace trestle
