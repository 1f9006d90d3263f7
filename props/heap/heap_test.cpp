// Heap over the real system: every size and alignment, zeroing, realloc across the tiers, and what it says of itself.
#include "heap/heap.hpp"

#include <memory>
#include <set>

#include "child.hpp"
#include "heap/fixture.hpp"
#include "ops/test_os.hpp"

namespace trestle {
namespace {

TYPED_TEST_SUITE(HeapTest, EveryPolicy, PolicyNames);

TYPED_TEST(HeapTest, ServesEverySizeAtEveryAlignmentUpToAMebibyte) {
  for (std::size_t alignment = kMinAlignment; alignment <= kMiB; alignment *= 2) {
    for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 100, 5000, kMaxBlockRequest + 1}) {
      std::byte* const at = take(this->heap_, size, alignment);
      ASSERT_NE(at, nullptr) << size << " at " << alignment;
      ASSERT_TRUE(is_aligned(at, alignment)) << size << " at " << alignment;
      if (size != 0) std::memset(at, 0xEE, size);
      ASSERT_EQ(this->heap_.usable_size(at).bytes, this->told_size(size, alignment));
      ASSERT_TRUE(faults_of(this->heap_).empty()) << size << " at " << alignment;
      ASSERT_EQ(give(this->heap_, at, {.size = size, .alignment = alignment}), FaultKind::none);
    }
  }
  EXPECT_EQ(this->heap_.stats().live_blocks, 0U);
  EXPECT_TRUE(faults_of(this->heap_).empty());
}

TYPED_TEST(HeapTest, UsableSizeIsWhatIsKnownOfTheRequestAndTheBytesAreApart) {
  std::map<std::byte*, std::size_t> live;
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t size : kAllSizes) {
      std::byte* const at = take(this->heap_, size);
      ASSERT_NE(at, nullptr);
      EXPECT_EQ(this->heap_.usable_size(at).bytes, this->told_size(size));
      ASSERT_TRUE(live.emplace(at, size).second) << "handed out twice";
    }
  }
  const std::byte* end = nullptr;
  for (const auto& [at, size] : live) {
    ASSERT_GE(at, end);
    end = at + size;
  }
}

// Above what a pointer's difference holds, and where a count of granules in 32 bits would wrap around to a small one.
TYPED_TEST(HeapTest, RefusesSizesThatNothingCanHoldEverywhere) {
  std::byte* const block = take(this->heap_, 100);
  std::byte* const large = take(this->heap_, kMiB);
  for (const std::size_t size : {(std::size_t{1} << 48) + kMiB, std::size_t{PTRDIFF_MAX}, std::size_t{PTRDIFF_MAX} + 1,
                                 SIZE_MAX - 15, SIZE_MAX}) {
    for (const Allocation refused :
         {this->heap_.allocate(size, 16, Kind::by_malloc), this->heap_.allocate(size, kMiB, Kind::by_malloc),
          this->heap_.allocate_zeroed(size, Kind::by_malloc), this->heap_.reallocate(block, size),
          this->heap_.reallocate(large, size)}) {
      EXPECT_TRUE(refused.payload == nullptr && !refused.is_fault()) << size;
    }
  }
  EXPECT_EQ(take(this->heap_, 1, std::size_t{1} << 63), nullptr);
  EXPECT_EQ(this->heap_.usable_size(block).bytes, this->told_size(100));
  EXPECT_EQ(this->heap_.usable_size(large).bytes, kMiB);
  EXPECT_TRUE(faults_of(this->heap_).empty());
}

TYPED_TEST(HeapTest, ZeroedMemoryIsZeroOnReusedMemoryToo) {
  for (const std::size_t size : kAllSizes) {
    for (int round = 0; round < 4; ++round) {
      std::byte* const dirty = take(this->heap_, size);
      ASSERT_NE(dirty, nullptr);
      if (size != 0) std::memset(dirty, 0xFF, size);
      ASSERT_EQ(give(this->heap_, dirty), FaultKind::none);
      if (round % 2 == 1) this->turn_over();
      const Allocation zeroed = this->heap_.allocate_zeroed(size, Kind::by_malloc);
      ASSERT_NE(zeroed.payload, nullptr);
      ASSERT_EQ(first_other(static_cast<std::byte*>(zeroed.payload), size, 0), nullptr) << size;
      if (size != 0) std::memset(zeroed.payload, 0xFF, size);
      ASSERT_EQ(give(this->heap_, zeroed.payload), FaultKind::none);
    }
  }
}

// However they are to be aligned, nobody can read or write there.
TYPED_TEST(HeapTest, RequestsOfNoBytesHaveClosedAddressesOfTheirOwn) {
  std::set<std::byte*> all;
  for (std::size_t alignment = 1; alignment <= 2 * kMiB; alignment *= 2) {
    for (int i = 0; i < 20; ++i) {
      std::byte* const at = take(this->heap_, 0, std::max(alignment, kMinAlignment));
      ASSERT_NE(at, nullptr);
      EXPECT_TRUE(is_aligned(at, std::max(alignment, kMinAlignment)));
      EXPECT_TRUE(all.insert(at).second);
      EXPECT_EQ(this->heap_.usable_size(at).bytes, 0U);
      const Fault refused = this->heap_.explain_access(at);
      EXPECT_EQ(refused.kind, FaultKind::access_past_end) << alignment;
      EXPECT_EQ(refused.block, at);
    }
  }
  ASSERT_TRUE(faults_of(this->heap_).empty());
  for (std::byte* const at : all) {
    std::byte* const moved = regrow(this->heap_, at, 100);
    ASSERT_NE(moved, nullptr);
    std::memset(moved, 1, 100);
    EXPECT_TRUE(this->heap_.deallocate(at, {}).is_fault()) << "it was freed by realloc";
    ASSERT_EQ(give(this->heap_, moved), FaultKind::none);
  }
  EXPECT_TRUE(faults_of(this->heap_).empty());
}

TYPED_TEST(HeapTest, ReallocationKeepsContentsAndKindFromEverySizeToEveryOther) {
  for (const std::size_t from : kAllSizes) {
    for (const std::size_t to : kAllSizes) {
      std::byte* const at = take(this->heap_, from, 16, Kind::by_new);
      ASSERT_NE(at, nullptr);
      for (std::size_t i = 0; i < from; ++i) at[i] = static_cast<std::byte>(i * 7);
      std::byte* const moved = regrow(this->heap_, at, to);
      ASSERT_NE(moved, nullptr) << from << " to " << to;
      ASSERT_EQ(this->heap_.usable_size(moved).bytes, this->told_size(to));
      for (std::size_t i = 0; i < std::min(from, to); ++i)
        ASSERT_EQ(moved[i], static_cast<std::byte>(i * 7)) << from << " to " << to << " at " << i;
      if (to != 0) std::memset(moved, 1, to);
      ASSERT_TRUE(faults_of(this->heap_).empty()) << from << " to " << to;
      ASSERT_EQ(give(this->heap_, moved, {.kind = Kind::by_new, .size = to}), FaultKind::none) << from << " to " << to;
    }
  }
}

TYPED_TEST(HeapTest, ResizesInPlaceWhereWhatFollowsIsFree) {
  std::byte* const slot = take(this->heap_, 1000);
  for (const std::size_t size : std::initializer_list<std::size_t>{1001, 970, 1023, 1000})
    EXPECT_EQ(regrow(this->heap_, slot, size), slot) << size;
  EXPECT_NE(regrow(this->heap_, slot, 500), slot) << "a class below";
  std::byte* const block = take(this->heap_, kAnyBlockRequest);
  for (const std::size_t size : {kAnyBlockRequest + 1, 2 * kAnyBlockRequest, 100 * kKiB, kMaxSlot + 1})
    EXPECT_EQ(regrow(this->heap_, block, size), block) << size;
  std::byte* const large = take(this->heap_, kMiB);
  for (const std::size_t size : {kMiB + 1, 2 * kMiB, 20 * kMiB, 2 * kMiB, kMiB, 300 * kKiB}) {
    EXPECT_EQ(regrow(this->heap_, large, size), large) << size;
    ASSERT_TRUE(faults_of(this->heap_).empty()) << size;
    std::memset(large, 3, size);
  }
}

TYPED_TEST(HeapTest, WalkShowsWhatIsLiveAndNothingElseAsLive) {
  std::map<const std::byte*, std::pair<std::size_t, Kind>> live;
  const Kind kinds[] = {Kind::by_malloc, Kind::by_new, Kind::by_new_array};
  std::uint64_t random = 3;
  for (int i = 0; i < 300; ++i) {
    const std::size_t size = kAllSizes[random_below(random, std::size(kAllSizes))];
    const Kind kind = kinds[static_cast<std::size_t>(i) % 3];
    std::byte* const at = take(this->heap_, size, 16, kind);
    ASSERT_NE(at, nullptr);
    if (random_below(random, 2) == 0) {
      ASSERT_EQ(give(this->heap_, at, {.kind = kind}), FaultKind::none);
    } else {
      live[at] = {this->told_size(size), kind};
    }
  }
  std::map<const std::byte*, std::pair<std::size_t, Kind>> seen;
  for (const BlockView& block : blocks_of(this->heap_)) {
    if (block.state == BlockState::live) seen[block.payload] = {block.requested, block.kind};
  }
  EXPECT_EQ(seen, live);
  int visits = 0;
  const auto first_only = [](const BlockView&, void* count) { return ++*static_cast<int*>(count) < 1; };
  EXPECT_FALSE(this->heap_.walk({first_only, &visits}));
  EXPECT_EQ(visits, 1);
}

// However many regions there are.
TYPED_TEST(HeapTest, WalkEndsAtTheLargeBlockWhereItIsAskedTo) {
  using Heap = Heap<TestFixture::kPolicy, ops::TestOs>;
  ops::TestArena memory;
  const auto heap = std::make_unique<Heap>(ops::TestOs{memory});
  ASSERT_TRUE(heap->start({.secret = 1, .region_bytes = 2 * kMiB, .commit_bytes = 64 * kKiB}));
  for (int i = 0; i < 3; ++i) ASSERT_NE(take(*heap, kMiB), nullptr);
  int visits = 0;
  EXPECT_FALSE(heap->walk({[](const BlockView&, void* count) { return ++*static_cast<int*>(count) < 1; }, &visits}));
  EXPECT_EQ(visits, 1);
  EXPECT_EQ(blocks_of(*heap).size(), 3U);
}

// What it shows stays as it is until the next: who asks for more from within would wait for a lock of its own, and is told.
TYPED_TEST(HeapTest, WalkHoldsTheLocksOfWhatItShows) {
  struct Walk {
    typename TestFixture::HeapType& heap;
    std::size_t size;
  };
  for (const std::size_t size : {std::size_t{0}, kAnyBlockRequest, kMiB}) {
    std::byte* const first = take(this->heap_, size);
    std::byte* const second = take(this->heap_, size);
    ASSERT_EQ(give(this->heap_, first), FaultKind::none);
    Walk walk{this->heap_, size};
    const auto allocate = [](const BlockView&, void* context) {
      const Walk& now = *static_cast<Walk*>(context);
      return now.heap.allocate(now.size, kMinAlignment, Kind::by_malloc).payload == nullptr;
    };
    EXPECT_LT(run_in_child([&] { return this->heap_.walk({allocate, &walk}) ? 1 : 0; }), 0) << size;
    ASSERT_EQ(give(this->heap_, second), FaultKind::none);
  }
}

TYPED_TEST(HeapTest, StatsAddUp) {
  std::uint64_t random = 4;
  std::vector<std::pair<std::byte*, std::size_t>> live;
  std::uint64_t bytes = 0;
  std::uint64_t peak = 0;
  for (int i = 0; i < 1000; ++i) {
    if (live.size() < 60 && random_below(random, 2) == 0) {
      const std::size_t size = kAllSizes[random_below(random, std::size(kAllSizes))];
      live.emplace_back(take(this->heap_, size), this->told_size(size));
      ASSERT_NE(live.back().first, nullptr);
      bytes += live.back().second;
    } else if (!live.empty()) {
      std::swap(live[random_below(random, live.size())], live.back());
      ASSERT_EQ(give(this->heap_, live.back().first), FaultKind::none);
      bytes -= live.back().second;
      live.pop_back();
    }
    peak = std::max(peak, bytes);
    const trestle_stats stats = this->heap_.stats();
    ASSERT_EQ(stats.live_blocks, live.size());
    ASSERT_EQ(stats.live_bytes, bytes);
    ASSERT_EQ(stats.peak_live_bytes, peak);
    ASSERT_EQ(stats.allocations - stats.deallocations, live.size());
    ASSERT_GE(stats.reserved_bytes, stats.committed_bytes);
    ASSERT_LE(stats.dirty_span_bytes, stats.free_span_bytes);
    ASSERT_GE(stats.span_bytes, stats.live_bytes + stats.free_block_bytes);
    ASSERT_GE(stats.committed_bytes, stats.span_bytes + stats.free_span_bytes);
  }
}

TYPED_TEST(HeapTest, StopGivesEverythingBackAndAStartIsAsTheFirst) {
  std::byte* const block = take(this->heap_, 100);
  std::byte* const large = take(this->heap_, kMiB);
  this->heap_.stop();
  std::byte probe{};
  EXPECT_FALSE(os::read_own_memory(block, &probe, 1));
  EXPECT_FALSE(os::read_own_memory(large, &probe, 1));
  ASSERT_TRUE(this->heap_.start(TestFixture::kConfig));
  const trestle_stats stats = this->heap_.stats();
  EXPECT_TRUE(stats.allocations == 0 && stats.live_bytes == 0 && stats.span_bytes == 0 && stats.peak_live_bytes == 0);
  EXPECT_TRUE(blocks_of(this->heap_).empty());
  EXPECT_TRUE(faults_of(this->heap_).empty());
  EXPECT_NE(take(this->heap_, 100), nullptr);
}

TYPED_TEST(HeapTest, OffsetsCountFromTheRegionsStart) {
  std::byte* const one = take(this->heap_, 100);
  std::byte* const other = take(this->heap_, 100);
  EXPECT_EQ(this->heap_.offset_of(other) - this->heap_.offset_of(one), static_cast<std::uint64_t>(other - one));
  EXPECT_LT(this->heap_.offset_of(one), kBlockSpanBytes);
  int local = 0;
  EXPECT_EQ(this->heap_.offset_of(&local), UINT64_MAX);
}

}  // namespace
}  // namespace trestle
