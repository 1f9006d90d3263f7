// What a Heap does with the system's memory: pages that move instead of being copied, freed ones that rest or go back.
#include <algorithm>
#include <fstream>
#include <memory>
#include <set>

#include "heap/fixture.hpp"
#include "ops/test_os.hpp"

namespace trestle {
namespace {

// The real system, with its moves and purges counted.
struct CountingOs : LinuxOs {
  static inline std::size_t moved_bytes = 0;
  [[nodiscard]] bool move(std::byte* from, std::byte* to, std::size_t bytes) noexcept {
    const bool moved = LinuxOs::move(from, to, bytes);
    if (moved) moved_bytes += bytes;
    return moved;
  }
};
template <Policy P>
constinit Heap<P, CountingOs> counting_heap{};

template <class T>
class HeapMemoryTest : public HeapTest<T> {};
template <class T>
class CheckedHeapMemoryTest : public HeapTest<T> {};
TYPED_TEST_SUITE(HeapMemoryTest, EveryPolicy, PolicyNames);
TYPED_TEST_SUITE(CheckedHeapMemoryTest, CheckedPolicies, PolicyNames);

std::size_t resident_bytes() {
  std::size_t mapped = 0;
  std::size_t resident = 0;
  return std::ifstream("/proc/self/statm") >> mapped >> resident ? resident * kOsPage : 0;
}

TYPED_TEST(HeapMemoryTest, EightMebibytesMoveByTheirPages) {
  auto& heap = counting_heap<TestFixture::kPolicy>;
  for (const std::size_t alignment : {std::size_t{16}, std::size_t{64}, kMiB}) {
    ASSERT_TRUE(heap.start(TestFixture::kConfig));
    CountingOs::moved_bytes = 0;
    std::byte* const at = take(heap, 8 * kMiB, alignment);
    ASSERT_NE(take(heap, kMiB), nullptr) << "in the way of growth in place";
    for (std::size_t i = 0; i < 8 * kMiB; i += 8) store_word(at + i, i * 3);
    std::byte* const moved = regrow(heap, at, 16 * kMiB);
    ASSERT_TRUE(moved != nullptr && moved != at);
    EXPECT_GE(CountingOs::moved_bytes, 8 * kMiB - 2 * kOsPage) << "all but its ends";
    for (std::size_t i = 0; i < 8 * kMiB; i += 8) ASSERT_EQ(load_word(moved + i), i * 3) << i;
    fill(moved, 16 * kMiB, 7);
    EXPECT_TRUE(faults_of(heap).empty());
    EXPECT_EQ(heap.usable_size(at).kind, FaultKind::stale_pointer);
    EXPECT_EQ(give(heap, moved, {.size = 16 * kMiB}), FaultKind::none);
    heap.stop();
  }
}

// Where a freed span loses its pages a copy would fault in as many; where it keeps them, half a mebibyte is copied faster.
TYPED_TEST(HeapMemoryTest, HalfAMebibyteMovesByItsPagesWhereACopyWouldNeedNewOnes) {
  auto& heap = counting_heap<TestFixture::kPolicy>;
  ASSERT_TRUE(heap.start(TestFixture::kConfig));
  CountingOs::moved_bytes = 0;
  std::byte* const at = take(heap, kMiB / 2);
  ASSERT_NE(take(heap, kMiB), nullptr) << "in the way of growth in place";
  for (std::size_t i = 0; i < kMiB / 2; i += 8) store_word(at + i, i * 3);
  std::byte* const moved = regrow(heap, at, kMiB);
  ASSERT_TRUE(moved != nullptr && moved != at);
  EXPECT_EQ(CountingOs::moved_bytes != 0, TestFixture::kPolicy.large_inaccessible);
  for (std::size_t i = 0; i < kMiB / 2; i += 8) ASSERT_EQ(load_word(moved + i), i * 3) << i;
  EXPECT_TRUE(faults_of(heap).empty());
  heap.stop();
}

TYPED_TEST(HeapMemoryTest, AFreedBlockRestsBeforeItIsReused) {
  constexpr std::size_t kSize = kMaxSlot + 1;
  std::vector<std::byte*> freed;
  constexpr std::size_t kFit = TestFixture::kPolicy.quarantine_bytes / (kSize + 64);
  static_assert(kFit != 0);
  for (std::size_t i = 0; i < std::min<std::size_t>(kFit, 200); ++i) freed.push_back(take(this->heap_, kSize));
  for (std::byte* const at : freed) {
    ASSERT_EQ(give(this->heap_, at), FaultKind::none);
    std::byte* const next = take(this->heap_, kSize);
    ASSERT_EQ(std::find(freed.begin(), freed.end(), next), freed.end());
  }
  EXPECT_EQ(this->heap_.stats().retired_blocks, freed.size());
  std::size_t retired = 0;
  for (const BlockView& block : blocks_of(this->heap_)) retired += block.state == BlockState::retired;
  EXPECT_EQ(retired, freed.size());
}

TYPED_TEST(HeapMemoryTest, AFreedSlotRestsBeforeItIsReused) {
  constexpr std::size_t kSize = 100;
  constexpr std::size_t kWait =
      TestFixture::kPolicy.slots_quarantined ? 10000 : Magazine<TestFixture::kPolicy>::delay(class_for(kSize));
  std::byte* const at = take(this->heap_, kSize);
  ASSERT_EQ(give(this->heap_, at), FaultKind::none);
  for (std::size_t i = 0; i < kWait; ++i) {
    std::byte* const next = take(this->heap_, kSize);
    ASSERT_NE(next, at) << "after " << i << " frees";
    ASSERT_EQ(give(this->heap_, next), FaultKind::none);
  }
  EXPECT_EQ(this->heap_.stats().retired_blocks != 0, TestFixture::kPolicy.slots_quarantined);
}

// The common way to zeroed slots as well, which asks for no more than a magazine.
TYPED_TEST(HeapMemoryTest, ZeroedSlotsAreZeroAlsoWhereTheyWereAnothers) {
  for (const std::size_t size : {std::size_t{24}, std::size_t{1000}, std::size_t{5000}, std::size_t{20'000}}) {
    std::set<std::byte*> before;
    while (before.size() < 64) before.insert(take(this->heap_, size));
    for (std::byte* const at : before) fill(at, size, 0x6D);
    for (std::byte* const at : before) ASSERT_EQ(give(this->heap_, at), FaultKind::none);
    this->turn_over();
    std::size_t again = 0;
    for (std::size_t i = 0; i < 400; ++i) {
      void* const made = this->heap_.allocate_zeroed_hot(size, Kind::by_malloc);
      auto* const at = made != nullptr
                           ? static_cast<std::byte*>(made)
                           : static_cast<std::byte*>(this->heap_.allocate_zeroed(size, Kind::by_malloc).payload);
      ASSERT_NE(at, nullptr);
      ASSERT_EQ(first_other(at, size, 0), nullptr) << size;
      again += before.contains(at) ? 1U : 0U;
    }
    EXPECT_NE(again, 0U) << size;
  }
}

TYPED_TEST(HeapMemoryTest, TheQuarantineHoldsNoMoreThanItsPolicyAllows) {
  constexpr std::size_t kMost = 3000 * 40 + 64;
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(give(this->heap_, take(this->heap_, static_cast<std::size_t>(i) * 40)), FaultKind::none);
    const trestle_stats stats = this->heap_.stats();
    ASSERT_LE(stats.retired_blocks, TestFixture::kPolicy.quarantine_blocks + Shelf::kPlaces);
    ASSERT_LE(stats.retired_bytes, std::max(TestFixture::kPolicy.quarantine_bytes, kMost) + Shelf::kPlaces * kMost);
  }
  this->turn_over();
  EXPECT_TRUE(faults_of(this->heap_).empty());
}

TYPED_TEST(CheckedHeapMemoryTest, AFreedLargeBlocksAddressRests) {
  std::byte* const at = take(this->heap_, kMiB);
  ASSERT_EQ(give(this->heap_, at), FaultKind::none);
  for (std::size_t i = 0; i < TestFixture::kPolicy.large_quarantine_spans; ++i) {
    std::byte* const next = take(this->heap_, kMiB);
    ASSERT_NE(next, at);
    ASSERT_EQ(give(this->heap_, next), FaultKind::none);
  }
  EXPECT_EQ(this->heap_.stats().retired_blocks, TestFixture::kPolicy.large_quarantine_spans);
}

// Whichever call is refused while it is freed, which may leave its contents where they were.
TYPED_TEST(CheckedHeapMemoryTest, NobodyReadsAnEarlierOwnersLargeBlock) {
  static ops::TestArena arena;
  static Heap<TestFixture::kPolicy, ops::TestOs> heap{ops::TestOs{arena}};
  std::size_t reused = 0;
  for (std::size_t nth = 1; nth < 6; ++nth) {
    arena.reset();
    ASSERT_TRUE(heap.start({.secret = 1, .region_bytes = 64 * kMiB}));
    std::byte* const at = take(heap, kMiB);
    fill(at, kMiB, 0xEE);
    arena.refuse(nth);
    ASSERT_EQ(give(heap, at), FaultKind::none);
    arena.refuse(0);
    for (int i = 0; i < 40; ++i) {
      std::byte* const next = take(heap, kMiB);
      ASSERT_NE(next, nullptr);
      reused += next == at ? 1U : 0U;
      ASSERT_EQ(first_other(next, kMiB, 0), nullptr) << nth;
    }
    heap.stop();
  }
  EXPECT_NE(reused, 0U);
}

// Its bytes were canary, of which the key could be told: whether it grows into its pad alone, or beyond.
TYPED_TEST(CheckedHeapMemoryTest, WhatGrowsInPlaceShowsNothingOfItsPad) {
  struct Growth {
    std::size_t from;
    std::size_t to;
  };
  for (const auto& [from, to] : {Growth{97, 110}, Growth{kAnyBlockRequest + 5, kAnyBlockRequest + 7},
                                 Growth{kAnyBlockRequest + 5, 2 * kAnyBlockRequest}, Growth{kMiB + 1000, kMiB + 1007},
                                 Growth{kMiB + 1000, 2 * kMiB}}) {
    std::byte* const at = take(this->heap_, from);
    const std::size_t end = std::min(align_up(from + 1, kMinAlignment), to);
    ASSERT_NE(first_other(at + from, end - from, TestFixture::kPolicy.poison_byte), nullptr) << "it has a pad";
    ASSERT_EQ(regrow(this->heap_, at, to), at) << from << " to " << to;
    for (std::size_t i = from; i < end; ++i)
      ASSERT_TRUE(at[i] == std::byte{0} || at[i] == std::byte{TestFixture::kPolicy.poison_byte}) << from << " at " << i;
    ASSERT_EQ(give(this->heap_, at), FaultKind::none);
  }
}

TYPED_TEST(HeapMemoryTest, TrimGivesPagesBack) {
  this->heap_.set_decay(1'000'000);
  this->heap_.set_dirty_bytes(std::size_t{1} << 40);
  constexpr std::size_t kBlock = 100 * kKiB;
  std::vector<std::byte*> live;
  for (std::size_t bytes = 0; bytes < TestFixture::kPolicy.quarantine_bytes + 48 * kMiB; bytes += kBlock) {
    live.push_back(take(this->heap_, kBlock));
    fill(live.back(), kBlock, 9);
  }
  for (std::byte* const at : live) ASSERT_EQ(give(this->heap_, at), FaultKind::none);
  const std::size_t before = resident_bytes();
  EXPECT_TRUE(this->heap_.trim(0));
  EXPECT_LT(resident_bytes() + 32 * kMiB, before);
  EXPECT_EQ(this->heap_.stats().dirty_span_bytes, 0U);
  EXPECT_GT(this->heap_.stats().purges, 0U);
  EXPECT_TRUE(faults_of(this->heap_).empty());
  EXPECT_FALSE(this->heap_.trim(0) && this->heap_.stats().dirty_span_bytes != 0);
  EXPECT_NE(take(this->heap_, kBlock), nullptr);
}

// What waits in the quarantines is memory too: whoever asks for more than the rest gets it.
TYPED_TEST(HeapMemoryTest, WhatWaitsIsReusedBeforeMemoryIsCalledShort) {
  using ops::TestArena;
  using ops::TestOs;
  TestArena arena;
  const auto owner = std::make_unique<Heap<TestFixture::kPolicy, TestOs>>(TestOs{arena});
  auto& heap = *owner;
  using Ask = std::byte* (*)(decltype(heap)&, std::byte*);
  constexpr std::size_t kMost = 60 * kMiB;
  const Ask asks[] = {
      [](auto& h, std::byte*) { return take(h, kMost); },
      [](auto& h, std::byte*) { return static_cast<std::byte*>(h.allocate_zeroed(kMost, Kind::by_malloc).payload); },
      [](auto& h, std::byte* kept) { return regrow(h, kept, kMost); },
  };
  for (const Ask ask : asks) {
    ASSERT_TRUE(heap.start({.secret = 1, .region_bytes = 96 * kMiB}));
    for (const std::size_t kept_size : {100 * kKiB, 2 * kMiB}) {
      std::byte* const kept = take(heap, kept_size);
      fill(kept, kept_size, 0x6D);
      std::vector<std::byte*> live;
      while (std::byte* const at = take(heap, 8 * kMiB)) live.push_back(at);
      ASSERT_GE(live.size() * 8 * kMiB, kMost);
      for (std::byte* const at : live) ASSERT_EQ(give(heap, at), FaultKind::none);
      std::byte* const most = ask(heap, kept);
      ASSERT_NE(most, nullptr) << kept_size;
      if (ask == asks[2]) {
        ASSERT_EQ(first_other(most, kept_size, 0x6D), nullptr);
      }
      ASSERT_EQ(give(heap, most), FaultKind::none);
    }
    EXPECT_TRUE(faults_of(heap).empty());
    heap.stop();
  }
  EXPECT_EQ(arena.breach(), nullptr);
}

// So is what threads and depots keep ready.
TYPED_TEST(HeapMemoryTest, WhatIsReadyInEveryClassIsReusedBeforeMemoryIsCalledShort) {
  ops::TestArena arena(32 * kMiB);
  const auto heap = std::make_unique<Heap<TestFixture::kPolicy, ops::TestOs>>(ops::TestOs{arena});
  ASSERT_TRUE(heap->start({.secret = 1, .region_bytes = 16 * kMiB}));
  std::vector<std::byte*> large;
  while (std::byte* const at = take(*heap, kMiB)) large.push_back(at);
  std::sort(large.begin(), large.end());
  for (std::size_t i = 0; i < 8; ++i) ASSERT_EQ(give(*heap, large.at(i)), FaultKind::none);
  std::vector<std::byte*> slots;
  for (std::uint8_t i = 0; i < kSizeClasses && slot_bytes({i}) < TestFixture::kPolicy.largest_slot; ++i)
    slots.push_back(take(*heap, slot_bytes({i}) - 1));
  for (std::byte* const at : slots) ASSERT_EQ(give(*heap, at), FaultKind::none);
  EXPECT_NE(take(*heap, 7 * kMiB), nullptr);
  EXPECT_TRUE(faults_of(*heap).empty());
  heap->stop();
  EXPECT_EQ(arena.breach(), nullptr);
}

// Pages of one large allocation after another go back by age, on a clock that the test moves; live ones keep every byte.
TYPED_TEST(HeapMemoryTest, DecayGivesBackWhatIsFreeOnly) {
  using ops::TestArena;
  using ops::TestOs;
  TestArena arena;
  const auto owner = std::make_unique<Heap<TestFixture::kPolicy, TestOs>>(TestOs{arena});  // too large for a stack
  auto& heap = *owner;
  ASSERT_TRUE(heap.start({.secret = 1, .region_bytes = 64 * kMiB, .decay_ms = 1000, .dirty_bytes = 64 * kMiB}));
  constexpr std::size_t kSize = 700 * kKiB;
  constexpr std::size_t kLive = 12;
  std::uint64_t random = 2;
  std::vector<std::byte*> live;
  for (int round = 0; round < 400; ++round) {
    if (live.size() < kLive) {
      live.push_back(take(heap, kSize));
      ASSERT_NE(live.back(), nullptr);
      fill(live.back(), kSize, 0x6D);
    } else {
      std::swap(live[random_below(random, live.size())], live.back());
      ASSERT_EQ(first_other(live.back(), kSize, 0x6D), nullptr) << round;
      ASSERT_EQ(give(heap, live.back()), FaultKind::none);
      live.pop_back();
    }
    arena.advance(random_below(random, 900));
  }
  for (std::byte* const at : live) EXPECT_EQ(first_other(at, kSize, 0x6D), nullptr);
  EXPECT_TRUE(faults_of(heap).empty());
  heap.stop();
  EXPECT_EQ(arena.breach(), nullptr);
  EXPECT_FALSE(arena.has_reservations());
}

}  // namespace
}  // namespace trestle
