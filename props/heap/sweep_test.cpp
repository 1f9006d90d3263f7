// Sweeps: freed blocks that wait until they may go, and who goes.
#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "heap/fixture.hpp"
#include "ops/test_os.hpp"

namespace trestle {
namespace {

template <class T>
class HeapSweepTest : public HeapTest<T> {
 protected:
  // Of sizes whose blocks wait when they are freed, as many of them as there is room for.
  static std::vector<std::size_t> sizes() {
    if (T::kPolicy.sweep_blocks != 0) return {16, 100, 5000, kMaxSlot, 100'000, kMaxBlockRequest, kMiB};
    return {kMiB};
  }
  std::vector<std::byte*> made(std::size_t count, std::size_t size) {
    std::vector<std::byte*> blocks;
    for (std::size_t i = 0; i < count; ++i) blocks.push_back(take(this->heap_, size));
    return blocks;
  }
  void give_all(const std::vector<std::byte*>& blocks) {
    for (std::byte* const block : blocks) ASSERT_EQ(give(this->heap_, block), FaultKind::none);
  }
  std::uint64_t swept_but(const std::set<const void*>& kept) {
    std::uint64_t swept = 0;
    EXPECT_FALSE(this->heap_.sweep([&](const void* at) { return !kept.contains(at); }, swept).is_fault());
    return swept;
  }
  std::set<const void*> served_again(std::size_t count, std::size_t size) {
    const std::vector<std::byte*> blocks = made(count, size);
    give_all(blocks);
    return {blocks.begin(), blocks.end()};
  }
};
TYPED_TEST_SUITE(HeapSweepTest, EveryPolicy, PolicyNames);

TYPED_TEST(HeapSweepTest, LetGoThoseThatMay) {
  this->heap_.expect_sweep(0);
  for (const std::size_t size : this->sizes()) {
    const std::vector<std::byte*> blocks = this->made(12, size);
    this->give_all(blocks);
    const std::set<const void*> kept{blocks[0], blocks[5], blocks[11]};
    EXPECT_EQ(this->swept_but(kept), 9U) << size;
    EXPECT_EQ(this->swept_but(kept), 0U) << size << ": they are gone";
    for (int round = 0; round < 3; ++round) {
      for (const void* const again : this->served_again(40, size)) EXPECT_FALSE(kept.contains(again)) << size;
      EXPECT_EQ(this->swept_but(kept), 40U) << size;
    }
    for (const void* const at : kept) EXPECT_EQ(give(this->heap_, const_cast<void*>(at)), FaultKind::double_free);
    EXPECT_TRUE(faults_of(this->heap_).empty()) << size;
    EXPECT_EQ(this->swept_but({}), 3U) << size;
  }
}

// Up to twice as many bytes as those at which a sweep is due, and other sizes as well. Where it does not come the oldest go.
TYPED_TEST(HeapSweepTest, HaveThemWaitUntilTheyMayGo) {
  if (TestFixture::kPolicy.sweep_blocks == 0) GTEST_SKIP() << "there is room for few";
  constexpr std::size_t kPart = 4;
  const std::size_t expected = std::max(2 * TestFixture::kPolicy.quarantine_bytes, 16 * kMiB);
  EXPECT_TRUE(this->heap_.expect_sweep(kPart * expected));
  std::set<const void*> waiting;
  std::size_t bytes = 0;
  for (bool again = false; !again && bytes < 3 * expected;) {
    for (const std::size_t size : std::initializer_list<std::size_t>{100'000, 130'000}) {
      std::byte* const at = take(this->heap_, size);
      again = !waiting.insert(at).second || again;
      ASSERT_EQ(give(this->heap_, at), FaultKind::none);
      bytes += size;
      EXPECT_TRUE(this->heap_.is_sweep_due() || bytes < expected + kMiB);
    }
  }
  EXPECT_GT(bytes, 2 * expected - kMiB);
  EXPECT_LT(bytes, 2 * expected + 8 * kMiB) << "it is in vain";
}

// When a quarter as much waits as it has to read, but no less than 16 MiB; of large ones as much as lives, but no less than
// 256.
TYPED_TEST(HeapSweepTest, AreDueWhenManyWait) {
  const auto is_due_after = [&](std::size_t size, std::size_t most) {
    std::size_t bytes = 0;
    while (!this->heap_.is_sweep_due() && bytes < most) {
      EXPECT_EQ(give(this->heap_, take(this->heap_, size)), FaultKind::none);
      bytes += size;
    }
    return bytes;
  };
  EXPECT_GE(is_due_after(100'000, 20 * kMiB), 20 * kMiB) << "not before one is expected";
  const bool has_room = TestFixture::kPolicy.sweep_blocks != 0;  // else that is what gets short
  for (const auto& [read, wanted] :
       {std::pair{std::size_t{0}, 16 * kMiB}, {100 * kMiB, 25 * kMiB}, {kMiB, 16 * kMiB}}) {
    (void)this->swept_but({});
    this->heap_.expect_sweep(read);
    EXPECT_FALSE(this->heap_.is_sweep_due());
    const std::size_t blocks = is_due_after(100'000, 100 * kMiB);
    EXPECT_LE(blocks, wanted + kMiB);
    EXPECT_TRUE(!has_room || blocks > wanted - kMiB);
  }
  if (!TestFixture::kPolicy.large_inaccessible) return;  // else their pages are asked back before
  (void)this->swept_but({});
  this->heap_.expect_sweep(0);
  const std::size_t large = is_due_after(kMiB, 1000 * kMiB);
  EXPECT_GT(large, 230 * kMiB);
  EXPECT_LE(large, 260 * kMiB);
  this->heap_.expect_no_sweep();
  EXPECT_FALSE(this->heap_.is_sweep_due());
  EXPECT_GE(is_due_after(100'000, 20 * kMiB), 20 * kMiB) << "not when none is expected any more";
  EXPECT_GE(is_due_after(kMiB, 300 * kMiB), 300 * kMiB) << "not when none is expected any more";
}

// Also when they are small: of the room for their addresses half of what is left is used, and no less than a sixteenth.
TYPED_TEST(HeapSweepTest, AreDueWhenTheRoomGetsShort) {
  if (TestFixture::kPolicy.sweep_blocks == 0) GTEST_SKIP() << "there is room for few";
  constexpr std::size_t kRoom = TestFixture::kPolicy.sweep_blocks;
  const auto is_due_after = [&] {
    std::size_t count = 0;
    for (; !this->heap_.is_sweep_due() && count < 2 * kRoom; ++count)
      EXPECT_EQ(give(this->heap_, take(this->heap_, 16)), FaultKind::none);
    return count;
  };
  std::size_t waiting = 0;
  for (bool has_room = true; has_room && waiting < kRoom;) {
    has_room = this->heap_.expect_sweep(kRoom * 1024);
    const std::size_t left = kRoom - waiting;
    EXPECT_EQ(has_room, left >= kRoom / 16);
    const std::size_t count = is_due_after();
    EXPECT_EQ(count, std::max(left / 2, kRoom / 16));
    waiting += count;
  }
  EXPECT_GE(this->swept_but({}), kRoom - 1);
  EXPECT_TRUE(this->heap_.expect_sweep(0));
}

// Each of them takes a mapping or two.
TYPED_TEST(HeapSweepTest, AreDueWhenManyLargeOnesWait) {
  if (!TestFixture::kPolicy.large_inaccessible) GTEST_SKIP() << "their pages are asked back before";
  std::byte* const long_one = take(this->heap_, 1500 * kMiB);
  ASSERT_NE(long_one, nullptr);
  this->heap_.expect_sweep(0);
  int count = 0;
  for (; !this->heap_.is_sweep_due() && count < 5000; ++count)
    EXPECT_EQ(give(this->heap_, take(this->heap_, 300'000)), FaultKind::none);
  EXPECT_EQ(count, 4096);
  EXPECT_EQ(give(this->heap_, long_one), FaultKind::none);
}

TYPED_TEST(HeapSweepTest, GoOnBehindADamagedBlock) {
  if (TestFixture::kPolicy.sweep_blocks == 0) GTEST_SKIP() << "there its poison is not looked at when it leaves";
  this->heap_.expect_sweep(0);
  for (const std::size_t size : std::initializer_list<std::size_t>{100, 5000}) {
    const std::vector<std::byte*> blocks = this->made(5, size);
    this->give_all(blocks);
    for (const std::size_t i : std::initializer_list<std::size_t>{1, 3}) blocks[i][7] ^= std::byte{1};
    std::uint64_t swept = 0;
    const Verdict verdict = this->heap_.sweep([](const void*) { return true; }, swept);
    EXPECT_EQ(verdict.kind, FaultKind::write_after_free);
    EXPECT_TRUE(verdict.at == blocks[1] + 7 || verdict.at == blocks[3] + 7) << "they leave in any order";
    EXPECT_EQ(swept, 3U);
    for (const std::size_t i : std::initializer_list<std::size_t>{1, 3}) blocks[i][7] ^= std::byte{1};
    EXPECT_EQ(this->swept_but({}), 2U);
  }
}

// Also where the policy has slots rest with the threads otherwise: while they wait, the hot path frees none.
TYPED_TEST(HeapSweepTest, HaveSlotsWaitAsThePolicyHasThemWhenNoneIsExpectedAnyMore) {
  constexpr Policy kOurs = TestFixture::kPolicy;
  const auto frees_hot = [&] {
    std::byte* const at = take(this->heap_, 40);
    if (this->heap_.deallocate_hot(at, {})) return true;
    EXPECT_EQ(give(this->heap_, at), FaultKind::none);
    return false;
  };
  EXPECT_EQ(frees_hot(), !kOurs.slots_quarantined);
  this->heap_.expect_sweep(0);
  EXPECT_EQ(frees_hot(), kOurs.sweep_blocks == 0);
  this->heap_.set_hot(true);
  EXPECT_EQ(frees_hot(), kOurs.sweep_blocks == 0) << "hot or not, they wait";
  this->give_all(this->made(3000, 40));
  EXPECT_EQ(this->heap_.stats().retired_blocks >= 3000, kOurs.sweep_blocks != 0);
  this->heap_.expect_no_sweep();
  EXPECT_LE(this->heap_.stats().retired_blocks, kOurs.quarantine_blocks + Shelf::kPlaces);
  EXPECT_TRUE(faults_of(this->heap_).empty());
  EXPECT_EQ(frees_hot(), !kOurs.slots_quarantined);
  this->heap_.set_hot(false);
  EXPECT_FALSE(frees_hot());
  this->give_all(this->made(100, 100'000));
  EXPECT_TRUE(faults_of(this->heap_).empty()) << "slots among what leaves";
}

// What is had one after the other does not lie one behind the other, as the policy has it without.
TYPED_TEST(HeapSweepTest, HaveNobodyForetellWhatComesNext) {
  if (!TestFixture::kPolicy.random_reuse || TestFixture::kPolicy.sweep_blocks == 0) GTEST_SKIP() << "it is foretold";
  constexpr int kCount = 1000;
  this->heap_.expect_sweep(0);
  int neighbours = 0;
  const std::byte* before = nullptr;
  for (int i = 0; i < kCount; ++i) {
    std::byte* const at = take(this->heap_, 40);
    neighbours += before != nullptr && (at - before == 48 || before - at == 48) ? 1 : 0;
    before = at;
    ASSERT_EQ(give(this->heap_, at), FaultKind::none);
  }
  EXPECT_LT(neighbours, kCount / 5);
}

// A block that was written to is in nobody's way.
TYPED_TEST(HeapSweepTest, GoBackToWhatThePolicyHasBehindADamagedBlock) {
  if (TestFixture::kPolicy.sweep_blocks == 0) GTEST_SKIP() << "there its poison is not looked at when it leaves";
  this->heap_.expect_sweep(0);
  const std::vector<std::byte*> blocks = this->made(3000, 100);
  this->give_all(blocks);
  for (std::byte* const at : blocks) at[7] ^= std::byte{at == blocks[0] || at == blocks[1500]};
  this->heap_.expect_no_sweep();
  EXPECT_LE(this->heap_.stats().retired_blocks, TestFixture::kPolicy.quarantine_blocks + Shelf::kPlaces);
  EXPECT_EQ(faults_of(this->heap_).size(), 2U);
  for (std::byte* const at : blocks) at[7] ^= std::byte{at == blocks[0] || at == blocks[1500]};
}

// Where there is no memory for the addresses of what waits, slots do not, and the others no more than ever.
TYPED_TEST(HeapSweepTest, HaveNoSlotWaitWithoutRoom) {
  if (TestFixture::kPolicy.sweep_blocks == 0) GTEST_SKIP() << "none would";
  using Heap = Heap<TestFixture::kPolicy, ops::TestOs>;
  ops::TestArena memory;
  const auto heap = std::make_unique<Heap>(ops::TestOs{memory});
  if (TestFixture::kPolicy.slots_quarantined) memory.refuse(1);  // it asks when it starts
  ASSERT_TRUE(heap->start({.secret = 1, .region_bytes = 64 * kMiB}));
  memory.refuse(1, 1);
  EXPECT_FALSE(heap->expect_sweep(0));
  memory.refuse(0);
  for (int i = 0; i < 3000; ++i) {
    std::byte* const at = take(*heap, 100);
    ASSERT_NE(at, nullptr);
    ASSERT_EQ(give(*heap, at), FaultKind::none);
  }
  EXPECT_FALSE(heap->is_sweep_due());
  EXPECT_LE(heap->stats().retired_blocks, 256 + Shelf::kPlaces);
  EXPECT_TRUE(heap->expect_sweep(0)) << "now there is";
  EXPECT_TRUE(faults_of(*heap).empty());
  heap->stop();
}

// What the system does not close, as where it is locked in memory, waits with its contents.
TYPED_TEST(HeapSweepTest, HaveWaitWhatCannotBeClosed) {
  using Heap = Heap<TestFixture::kPolicy, ops::TestOs>;
  ops::TestArena memory;
  const auto heap = std::make_unique<Heap>(ops::TestOs{memory});
  ASSERT_TRUE(heap->start({.secret = 1, .region_bytes = 64 * kMiB, .decay_ms = 10, .dirty_bytes = kMiB}));
  heap->expect_sweep(0);
  std::set<const void*> waiting;
  for (int i = 0; i < 20; ++i) {
    std::byte* const at = take(*heap, kMiB);
    ASSERT_TRUE(waiting.insert(at).second) << "it was freed before";
    memory.refuse(2);  // the first call removes its guard
    ASSERT_EQ(give(*heap, at), FaultKind::none);
    memory.refuse(0);
    memory.advance(1000);
    (void)heap->trim(0);
  }
  EXPECT_TRUE(faults_of(*heap).empty());
  std::uint64_t swept = 0;
  EXPECT_FALSE(heap->sweep([](const void*) { return true; }, swept).is_fault());
  EXPECT_EQ(swept, 20U);
  EXPECT_EQ(memory.breach(), nullptr);
  heap->stop();
}

// Memory that is short is not kept from who needs it.
TYPED_TEST(HeapSweepTest, DoNotKeepWhatIsNeeded) {
  using Heap = Heap<TestFixture::kPolicy, ops::TestOs>;
  ops::TestArena memory;
  const auto heap = std::make_unique<Heap>(ops::TestOs{memory});
  ASSERT_TRUE(heap->start({.secret = 1, .region_bytes = 16 * kMiB, .commit_bytes = kGranule}));
  heap->expect_sweep(0);
  for (int i = 0; i < 1000; ++i) {
    std::byte* const at = take(*heap, kMiB);
    ASSERT_NE(at, nullptr) << i;
    ASSERT_EQ(give(*heap, at), FaultKind::none);
  }
  heap->stop();
}

}  // namespace
}  // namespace trestle
