// Slots as threads see them: caches that come and go, slots freed by others, and service where there can be no cache.
#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <memory>
#include <set>
#include <thread>

#include "child.hpp"
#include "heap/fixture.hpp"
#include "ops/test_os.hpp"

namespace trestle {
namespace {

template <class T>
class SlotTierTest : public HeapTest<T> {
 protected:
  std::vector<std::byte*> take_many(std::size_t count, std::size_t size) {
    std::vector<std::byte*> taken;
    for (std::size_t i = 0; i < count; ++i) taken.push_back(take(this->heap_, size));
    return taken;
  }
  void give_all(const std::vector<std::byte*>& blocks) {
    for (std::byte* const at : blocks) ASSERT_EQ(give(this->heap_, at), FaultKind::none);
  }
};
TYPED_TEST_SUITE(SlotTierTest, EveryPolicy, PolicyNames);

// Where freed slots rest in magazines, not in the quarantine.
template <class T>
class MagazineTierTest : public SlotTierTest<T> {};
TYPED_TEST_SUITE(MagazineTierTest, MagazinePolicies, PolicyNames);

// Two threads, each of an arena of its own. Nobody gets a slot that lies beside another's, once it has changed hands.
TYPED_TEST(MagazineTierTest, WhatAnotherArenasThreadFreesIsReusedAtHomeOnly) {
  constexpr std::size_t kSize = 64;
  constexpr std::size_t kMany = 300;
  ops::TestArena arena;
  const auto owner = std::make_unique<Heap<TestFixture::kPolicy, ops::TestOs>>(ops::TestOs{arena});
  auto& heap = *owner;
  for (const bool hot : {false, true}) {
    arena.reset();
    ASSERT_TRUE(heap.start({.secret = 1, .region_bytes = 16 * kMiB}));
    const auto release = [&](std::byte* at) {
      return hot ? heap.deallocate_away(at, {}) || give(heap, at) == FaultKind::none
                 : give(heap, at) == FaultKind::none;
    };
    arena.run_on(0);
    std::set<std::byte*> handed;
    while (handed.size() < kMany) handed.insert(take(heap, kSize));
    arena.run_on(1);
    std::vector<std::byte*> own;
    own.push_back(take(heap, kSize));
    EXPECT_FALSE(heap.deallocate_hot(*handed.begin(), {})) << "it is not this arena's";
    EXPECT_FALSE(heap.deallocate_away(own.front(), {})) << "it is";
    for (std::byte* const at : handed) ASSERT_TRUE(release(at));
    EXPECT_TRUE(faults_of(heap).empty());
    while (own.size() < kMany) own.push_back(take(heap, kSize));
    for (std::byte* const at : own) ASSERT_FALSE(handed.contains(at));

    arena.run_on(0);
    std::size_t again = 0;
    for (std::size_t i = 0; i < kMany; ++i) again += handed.contains(take(heap, kSize)) ? 1U : 0U;
    EXPECT_GT(again, kMany / 2) << "where they came from";
    EXPECT_TRUE(faults_of(heap).empty());
    heap.stop();
  }
  EXPECT_EQ(arena.breach(), nullptr);
}

// Three threads, each of an arena of its own, of which one frees what the two others have.
TYPED_TEST(MagazineTierTest, WhatIsOnItsWayComesHomeWhenItsThreadEnds) {
  constexpr std::size_t kSize = 4000;
  constexpr std::size_t kMany = 64;
  constexpr std::size_t kFreed = 5;  // of each: so few that nothing arrives before
  ops::TestArena arena;
  const auto owner = std::make_unique<Heap<TestFixture::kPolicy, ops::TestOs>>(ops::TestOs{arena});
  auto& heap = *owner;
  ASSERT_TRUE(heap.start({.secret = 1, .region_bytes = 16 * kMiB, .arenas = 3}));
  std::vector<std::byte*> of[2];
  for (const std::size_t thread : {0U, 1U}) {
    arena.run_on(thread);
    while (of[thread].size() < kMany) of[thread].push_back(take(heap, kSize));
  }
  const auto run_to_its_end = [&](std::size_t freed) {
    arena.run_on(2);
    EXPECT_EQ(give(heap, take(heap, kSize)), FaultKind::none);
    for (std::size_t i = 0; i < freed; ++i)
      for (const auto& blocks : of) EXPECT_EQ(give(heap, blocks[i]), FaultKind::none);
    heap.leave_thread();
    arena.end_thread();
    return heap.stats().free_block_bytes;
  };
  const std::size_t before = run_to_its_end(0);
  EXPECT_EQ(run_to_its_end(kFreed), before + 2 * kFreed * slot_bytes(class_for(kSize)));
  EXPECT_TRUE(faults_of(heap).empty());
  for (const std::size_t thread : {0U, 1U}) {
    arena.run_on(thread);
    const std::set<std::byte*> others(of[1 - thread].begin(), of[1 - thread].end());
    for (std::size_t i = 0; i < kMany; ++i) EXPECT_FALSE(others.contains(take(heap, kSize)));
  }
  EXPECT_TRUE(faults_of(heap).empty());
  heap.stop();
  EXPECT_EQ(arena.breach(), nullptr);
}

TYPED_TEST(SlotTierTest, AThreadThatHasLeftIsServedStill) {
  std::thread([&] {
    const std::vector<std::byte*> before = this->take_many(100, 100);
    const std::uint64_t own = LinuxOs{}.own_cache().heap;
    this->heap_.leave_thread();
    EXPECT_NE(LinuxOs{}.own_cache().heap, own) << "its cache is others'";
    const std::vector<std::byte*> after = this->take_many(100, 100);
    EXPECT_NE(LinuxOs{}.own_cache().heap, own) << "it gets none again";
    this->give_all(before);
    this->give_all(after);
    EXPECT_TRUE(faults_of(this->heap_).empty());
    const std::uint64_t peak = this->heap_.stats().peak_live_bytes;
    std::byte* const grown = regrow(this->heap_, take(this->heap_, TestFixture::kPolicy.largest_slot - 200),
                                    TestFixture::kPolicy.largest_slot - 100);
    EXPECT_GE(this->heap_.stats().peak_live_bytes, this->heap_.stats().live_bytes);
    EXPECT_EQ(give(this->heap_, grown), FaultKind::none);
    EXPECT_GE(this->heap_.stats().peak_live_bytes,
              std::max<std::uint64_t>(peak, TestFixture::kPolicy.largest_slot - 100));
    this->heap_.leave_thread();  // nothing is left to leave
  }).join();
  EXPECT_EQ(this->heap_.stats().live_blocks, 0U);
  EXPECT_EQ(this->heap_.stats().allocations, 201U);
  EXPECT_TRUE(faults_of(this->heap_).empty());
}

// What a thread that left had kept ready is not lost: its slabs are whole and go back.
TYPED_TEST(MagazineTierTest, AThreadThatLeavesKeepsNoSlot) {
  std::thread([&] {
    this->give_all(this->take_many(500, TestFixture::kPolicy.largest_slot / 2));
    this->heap_.leave_thread();
  }).join();
  const trestle_stats stats = this->heap_.stats();
  const std::size_t slot =
      slot_bytes(class_for(TestFixture::kPolicy.largest_slot / 2 + Slab<TestFixture::kPolicy>::kLeastPad));
  EXPECT_EQ(stats.span_bytes, (Depot<TestFixture::kPolicy, LinuxOs>::span_bytes(class_for(slot))))
      << "one slab is kept";
  EXPECT_EQ(stats.free_block_bytes, stats.span_bytes / slot * slot) << "and all of its slots rest there";
  EXPECT_TRUE(faults_of(this->heap_).empty());
}

TYPED_TEST(MagazineTierTest, WholeSlabsGoBackButOneOfAClass) {
  constexpr std::size_t kSize = TestFixture::kPolicy.largest_slot / 2;
  const std::vector<std::byte*> blocks = this->take_many(2000, kSize);
  EXPECT_GE(this->heap_.stats().span_bytes, 2000 * kSize);
  this->give_all(blocks);
  EXPECT_LE(this->heap_.stats().span_bytes, 30 * kSize);
}

// Threads that use the heap one after the other while all of them live: an ended thread's number may be given to the next.
class ThreadsInTurn {
 public:
  ~ThreadsInTurn() {
    end_ = true;
    end_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  template <class Work>
  void run(Work work) {
    std::atomic<bool> done = false;
    threads_.emplace_back([this, &done, work] {
      work();
      done = true;
      done.notify_one();
      end_.wait(false);
    });
    done.wait(false);
  }

 private:
  std::atomic<bool> end_ = false;
  std::vector<std::thread> threads_;
};

// On a thread whose stack nobody had: in a child, glibc would give it one, and with it the number, of a thread that is gone.
template <class Work>
void run_on_own_stack(Work work) {
  constexpr std::size_t kStack = 256 << 10;
  void* const stack = mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, stack, kStack);
  const auto run = [](void* context) -> void* {
    (*static_cast<Work*>(context))();
    return nullptr;
  };
  pthread_t thread{};
  if (pthread_create(&thread, &attributes, run, &work) == 0) pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

TYPED_TEST(SlotTierTest, TheCacheOfAThreadThatLeftIsTheNextOnes) {
  ThreadsInTurn threads;
  std::uint64_t committed = 0;
  for (int i = 0; i < 100; ++i) {
    threads.run([&] {
      this->give_all(this->take_many(10, 100));
      this->heap_.leave_thread();
    });
    if (i == 1) committed = this->heap_.stats().committed_bytes;
  }
  EXPECT_EQ(this->heap_.stats().committed_bytes, committed);
}

// The threads that did not fork are not in the child: its own get the caches that theirs were.
TYPED_TEST(SlotTierTest, TheCachesOfThreadsThatDidNotForkAreTheChilds) {
  if (TRESTLE_UNDER_TSAN) GTEST_SKIP() << "ThreadSanitizer lets no child of many threads start one";
  constexpr int kThreads = 50;
  ThreadsInTurn threads;
  const auto use = [&] { this->give_all(this->take_many(10, 100)); };
  use();
  for (int i = 0; i < kThreads; ++i) threads.run(use);
  this->heap_.lock_all();
  const int status = run_in_child([&] {
    this->heap_.reset_locks();
    const std::uint64_t committed = this->heap_.stats().committed_bytes;
    for (int i = 0; i < kThreads; ++i) run_on_own_stack(use);
    return this->heap_.stats().committed_bytes == committed && faults_of(this->heap_).empty() ? 0 : 1;
  });
  this->heap_.unlock_all();
  EXPECT_EQ(status, 0);
}

TYPED_TEST(SlotTierTest, EachThreadIsToldOnceThatItHasACache) {
  static std::atomic<int> told;
  told = 0;
  this->heap_.stop();
  HeapConfig config = TestFixture::kConfig;
  config.thread_began = []() noexcept { ++told; };
  ASSERT_TRUE(this->heap_.start(config));
  const auto work = [&] { this->give_all(this->take_many(500, 100)); };
  work();
  EXPECT_EQ(told, 1);
  std::thread(work).join();
  EXPECT_EQ(told, 2);
}

TYPED_TEST(MagazineTierTest, WhatAnotherThreadFreesDoesNotPileUp) {
  constexpr std::size_t kSize = 128;
  constexpr std::size_t kAtOnce = 1000;
  std::uint64_t most = 0;
  for (int round = 0; round < 50; ++round) {
    std::vector<std::byte*> made;
    std::thread([&] { made = this->take_many(kAtOnce, kSize); }).join();
    this->give_all(made);
    most = std::max(most, this->heap_.stats().span_bytes);
  }
  EXPECT_LE(most, 8 * kAtOnce * kSize);
  EXPECT_TRUE(faults_of(this->heap_).empty());
}

TYPED_TEST(MagazineTierTest, TrimGivesEverySlabBackThatIsWhole) {
  std::vector<std::byte*> blocks;
  for (std::size_t size = 1; size < TestFixture::kPolicy.largest_slot; size += 100)
    blocks.push_back(take(this->heap_, size));
  const std::uint64_t before = this->heap_.stats().span_bytes;
  EXPECT_GE(before, blocks.size() / 8 * kGranule / 8);
  this->give_all(blocks);
  EXPECT_TRUE(this->heap_.trim(0));
  EXPECT_EQ(this->heap_.stats().span_bytes, 0U);
  EXPECT_FALSE(this->heap_.trim(0));
  EXPECT_TRUE(faults_of(this->heap_).empty());
  EXPECT_NE(take(this->heap_, 100), nullptr);
}

TYPED_TEST(SlotTierTest, AlignedRequestsUpToAPageAreSlots) {
  for (std::size_t alignment = 16; alignment <= kOsPage; alignment *= 2) {
    std::byte* const at = take(this->heap_, 10, alignment);
    ASSERT_TRUE(is_aligned(at, alignment));
    std::size_t served = 0;
    for (const BlockView& block : blocks_of(this->heap_)) served = block.payload == at ? block.served : served;
    EXPECT_EQ(served, slot_bytes(class_for(16, alignment))) << alignment;
    EXPECT_EQ(give(this->heap_, at, {.size = 10, .alignment = alignment}), FaultKind::none);
  }
}

// Each call of the system is refused in its turn, also those that make the cache and the depots.
TYPED_TEST(SlotTierTest, WhereThereIsNoMemoryForACacheNullIsAllThatHappens) {
  using Heap = Heap<TestFixture::kPolicy, ops::TestOs>;
  bool refused = true;
  for (std::size_t nth = 1; refused; ++nth) {
    ops::TestArena memory;
    const auto heap = std::make_unique<Heap>(ops::TestOs{memory});
    ASSERT_TRUE(heap->start({.secret = 1, .region_bytes = 4 * kMiB}));
    memory.refuse(nth);
    std::byte* const first = take(*heap, 100);
    std::byte* const second = take(*heap, 100);
    refused = memory.refused() != 0;
    ASSERT_NE(second, nullptr) << "only one call was refused: " << nth;
    EXPECT_TRUE(faults_of(*heap).empty()) << nth;
    for (std::byte* const at : {first, second}) EXPECT_EQ(give(*heap, at), FaultKind::none);
    EXPECT_EQ(heap->stats().live_blocks, 0U);
    heap->stop();
    EXPECT_FALSE(memory.has_reservations());
  }
}

TYPED_TEST(SlotTierTest, TwoHeapsShareAThread) {
  const auto other = std::make_unique<Heap<TestFixture::kPolicy, LinuxOs>>();
  ASSERT_TRUE(other->start(TestFixture::kConfig));
  for (int i = 0; i < 100; ++i) {
    std::byte* const one = take(this->heap_, 100);
    std::byte* const two = take(*other, 100);
    EXPECT_EQ(give(this->heap_, two), FaultKind::wild_pointer);
    EXPECT_EQ(give(*other, two), FaultKind::none);
    EXPECT_EQ(give(this->heap_, one), FaultKind::none);
  }
  EXPECT_EQ(this->heap_.stats().allocations, 100U);
  EXPECT_EQ(other->stats().allocations, 100U);
  other->stop();
}

}  // namespace
}  // namespace trestle
