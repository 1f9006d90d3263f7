// Blocks of several arenas: whose a block is, what the arenas share, and where another takes one's place.
#include "heap/block_tier.hpp"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "faults.hpp"
#include "heap/heap.hpp"
#include "ops/test_os.hpp"
#include "policies.hpp"

namespace trestle {
namespace {

using ops::TestArena;
using ops::TestOs;

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kSize = 100'000;
constexpr std::size_t kArenas = 3;

template <class T>
class BlockTierTest : public testing::Test {
 protected:
  static constexpr Policy kPolicy = T::kPolicy;
  using Tier = BlockTier<kPolicy, TestOs>;

  void SetUp() override {
    ASSERT_TRUE(
        spans_.start(key_from(1), {.region_bytes = std::size_t{256} << 20, .decay_ms = 1000, .dirty_bytes = 0}));
    tier_->start(spans_, records_, live_, key_from(2), 3, kBlockSpanBytes, kArenas);
  }
  void TearDown() override {
    tier_->stop();
    records_.stop(spans_.os());
    spans_.stop();
    EXPECT_EQ(memory_.breach(), nullptr);
  }
  SpanRef<TestOs> span_of(const void* at) { return spans_.find(at); }
  std::uint32_t arena_of(const void* at) { return Arena<kPolicy, TestOs>::number_in(*span_of(at).span); }
  std::byte* take(std::uint32_t preferred, std::size_t size = kSize) {
    const Allocation made = tier_->allocate(size, kMinAlignment, Kind::by_malloc, preferred);
    return made.is_fault() ? nullptr : static_cast<std::byte*>(made.payload);
  }
  FaultKind give(void* payload) {
    std::uint64_t frees = 0;
    return tier_->deallocate(span_of(payload), payload, kFromMalloc, frees).kind;
  }
  std::vector<Fault> faults() {
    std::array<Fault, 16> room{};
    FaultSink sink(room.data(), room.size());
    const typename Tier::Alone alone(*tier_);
    tier_->check(CheckLevel::full, {}, sink);
    return {room.begin(), room.begin() + static_cast<std::ptrdiff_t>(std::min(room.size(), sink.count()))};
  }
  typename Tier::Counts counts() {
    const typename Tier::Alone alone(*tier_);
    return tier_->counts();
  }

  TestArena memory_;
  SpanHeap<TestOs> spans_{TestOs{memory_}};
  RecordPool<TestOs> records_;
  LiveBytes live_;
  std::unique_ptr<Tier> tier_ = std::make_unique<Tier>();
};
TYPED_TEST_SUITE(BlockTierTest, EveryPolicy, PolicyNames);

TYPED_TEST(BlockTierTest, EachArenaHasSpansOfItsOwnAndTheirBlocksComeBackToIt) {
  std::vector<std::byte*> blocks;
  for (std::uint32_t number = 0; number < 2 * kArenas; ++number) {
    blocks.push_back(this->take(number));
    ASSERT_NE(blocks.back(), nullptr);
    EXPECT_EQ(this->arena_of(blocks.back()), number % kArenas);
    EXPECT_EQ(this->tier_->usable_size(this->span_of(blocks.back()), blocks.back()).bytes, kSize);
  }
  EXPECT_EQ(this->counts().blocks.live_bytes, blocks.size() * kSize);
  EXPECT_GT(this->live_.most() + kArenas * kMiB, blocks.size() * kSize) << "so much may be unknown";
  {
    const typename TestFixture::Tier::Alone alone(*this->tier_);
    this->tier_->publish_all();
    this->tier_->publish_all();
  }
  EXPECT_EQ(this->live_.most(), blocks.size() * kSize);
  for (std::byte* const block : blocks) EXPECT_EQ(this->give(block), FaultKind::none);
  EXPECT_EQ(this->counts().blocks.live_blocks, 0U);
  EXPECT_EQ(this->counts().allocations, this->counts().deallocations);
  EXPECT_TRUE(this->faults().empty());
  EXPECT_TRUE(this->tier_->flush_and_give_back());
  EXPECT_EQ(this->spans_.counts().used_bytes, 0U) << "of every arena";
  EXPECT_TRUE(this->faults().empty());
}

// Each has as much waiting as the policy says, however many there are: what a thread frees waits as long as in a program that has
// no other.
TYPED_TEST(BlockTierTest, HaveEachAsMuchWaitAsThePolicySays) {
  const auto turn_over = [&](std::uint32_t arenas) {
    for (std::uint32_t i = 0; i < 4000; ++i) ASSERT_EQ(this->give(this->take(i % arenas)), FaultKind::none);
  };
  constexpr std::size_t kShelved = 2 * kMiB;  // what may be on a shelf besides
  turn_over(1);
  const std::uint64_t alone = this->counts().waiting_bytes;
  EXPECT_LE(alone, TestFixture::kPolicy.quarantine_bytes + kShelved);
  EXPECT_GT(alone, TestFixture::kPolicy.quarantine_bytes / 2);
  turn_over(kArenas);
  EXPECT_LE(this->counts().waiting_bytes, kArenas * (TestFixture::kPolicy.quarantine_bytes + kShelved));
  EXPECT_GT(this->counts().waiting_bytes, kArenas * (TestFixture::kPolicy.quarantine_bytes / 2));
  EXPECT_TRUE(this->faults().empty());
}

// Somebody is in the one preferred; in all of them.
TYPED_TEST(BlockTierTest, ServeForOneAnotherWhereOneIsBusy) {
  std::vector<std::byte*> first;
  for (std::uint32_t number = 0; number < kArenas; ++number) first.push_back(this->take(number));
  auto& busy = this->tier_->arena_in(this->span_of(first[1]));
  busy.lock().lock();
  std::byte* const instead = this->take(1);
  busy.lock().unlock();
  EXPECT_EQ(this->arena_of(instead), 2U);
  EXPECT_EQ(this->arena_of(this->take(1)), 1U);
  EXPECT_EQ(this->give(instead), FaultKind::none);
  EXPECT_TRUE(this->faults().empty());
}

TYPED_TEST(BlockTierTest, ServeForOneAnotherWhereOneHasNoMemory) {
  std::byte* const block = this->take(0);
  ASSERT_NE(this->take(1), nullptr);
  this->memory_.refuse(1, true);
  std::vector<std::byte*> taken;
  while (std::byte* const at = this->take(1)) taken.push_back(at);
  ASSERT_FALSE(taken.empty());
  EXPECT_EQ(this->arena_of(taken.back()), 0U) << "once its own have no room, those in use have";
  EXPECT_EQ(this->give(block), FaultKind::none);
  EXPECT_TRUE(this->faults().empty());
}

TYPED_TEST(BlockTierTest, NameMisuseInEachOfThem) {
  for (std::uint32_t number = 0; number < kArenas; ++number) {
    std::byte* const block = this->take(number);
    std::byte* const next = this->take(number);
    const SpanRef<TestOs> ref = this->span_of(block);
    Header header = Header::end(true);
    EXPECT_EQ(this->tier_->resize(ref, block, kSize - 40'000, true, header).payload, block);
    EXPECT_EQ(this->give(block + 16), FaultKind::interior_pointer);
    EXPECT_EQ(this->give(block), FaultKind::none);
    EXPECT_EQ(this->give(block), FaultKind::double_free);
    (next - 8)[0] ^= std::byte{1};
    EXPECT_EQ(this->give(next), FaultKind::header_corrupt);
    const std::vector<Fault> found = this->faults();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].kind, FaultKind::header_corrupt);
    EXPECT_EQ(found[0].block, next);
    (next - 8)[0] ^= std::byte{1};
    EXPECT_TRUE(this->faults().empty());
  }
}

// What one leaves behind in memory is no header to the next that has it.
TYPED_TEST(BlockTierTest, HaveKeysOfTheirOwn) {
  using Frame = std::array<std::byte, sizeof(Header)>;
  Frame before{}, after{};
  std::byte* const block = this->take(1);
  std::memcpy(before.data(), block - before.size(), before.size());
  ASSERT_EQ(this->give(block), FaultKind::none);
  ASSERT_TRUE(this->tier_->flush_and_give_back());
  ASSERT_EQ(this->take(2), block) << "of the span that has gone back";
  std::memcpy(after.data(), block - after.size(), after.size());
  EXPECT_NE(before, after);
}

// Found without the lock, and gone by the time that it is had.
TYPED_TEST(BlockTierTest, SayOfASpanThatIsGoneThatItsBlocksAre) {
  std::byte* const block = this->take(1);
  const SpanRef<TestOs> ref = this->span_of(block);
  ASSERT_EQ(this->give(block), FaultKind::none);
  ASSERT_TRUE(this->tier_->flush_and_give_back());
  std::uint64_t frees = 0;
  EXPECT_EQ(this->tier_->deallocate(ref, block, kFromMalloc, frees).kind, FaultKind::double_free);
  EXPECT_EQ(this->tier_->deallocate(ref, block + 1, kFromMalloc, frees).kind, FaultKind::not_a_block);
  EXPECT_EQ(this->tier_->usable_size(ref, block).kind, FaultKind::stale_pointer);
  Header header = Header::end(true);
  EXPECT_EQ(this->tier_->resize(ref, block, kSize / 2, true, header).kind, FaultKind::stale_pointer);
  EXPECT_EQ(frees, 0U);
  EXPECT_TRUE(this->faults().empty());
}

// The handler of a signal that interrupted its thread in one arena: whoever is in another may wait for that.
TYPED_TEST(BlockTierTest, EndWhoeverIsInOneAndWouldWaitForAnother) {
  std::byte* const own = this->take(0);
  std::byte* const other = this->take(1);
  auto& held = this->tier_->arena_in(this->span_of(own)).lock();
  auto& busy = this->tier_->arena_in(this->span_of(other)).lock();
  std::thread([&]() TRESTLE_NO_THREAD_SAFETY_ANALYSIS { busy.lock(); }).join();
  held.lock();
  EXPECT_EXIT(
      {
        Mutex::on_reentry([]() noexcept { std::_Exit(7); });
        alarm(60);  // ends it where it waits
        (void)this->give(other);
      },
      testing::ExitedWithCode(7), "");
  held.unlock();
  busy.reset();
  EXPECT_EQ(this->give(other), FaultKind::none);
}

TYPED_TEST(BlockTierTest, HaveThemWaitForSweepsAlsoWhereOneIsUsedLater) {
  constexpr std::size_t kExpected = 16 * kMiB;
  ASSERT_NE(this->take(0), nullptr);
  const bool has_room = TestFixture::kPolicy.sweep_blocks != 0;
  const auto alone = [&](auto ask) {
    const typename TestFixture::Tier::Alone guard(*this->tier_);
    return ask();
  };
  EXPECT_EQ(alone([&] { return this->tier_->expect_sweep(kExpected); }), has_room);
  if (!has_room) return;
  EXPECT_FALSE(alone([&] { return this->tier_->lacks_room(); }));
  std::set<std::byte*> waiting;
  for (std::uint32_t i = 0; !this->tier_->is_sweep_due() && i < 1000; ++i) {
    std::byte* const block = this->take(1 + i % 2);
    EXPECT_TRUE(waiting.insert(block).second) << "it was to wait";
    ASSERT_EQ(this->give(block), FaultKind::none);
  }
  EXPECT_TRUE(this->tier_->is_sweep_due());
  EXPECT_GE(waiting.size() * kSize, kExpected - kMiB) << "in all of them together";
  EXPECT_LE(waiting.size() * kSize, kExpected + kMiB);
  std::uint64_t swept = 0;
  EXPECT_FALSE(this->tier_->sweep([](const void*) { return true; }, swept).is_fault());
  EXPECT_EQ(swept, waiting.size());
  alone([&] { return this->tier_->expect_no_sweep(), true; });
  EXPECT_FALSE(this->tier_->is_sweep_due());
  EXPECT_TRUE(this->faults().empty());
}

// Threads are spread over them, also those that never ask for a slot.
TYPED_TEST(BlockTierTest, AreAThreadsOwnInTheHeap) {
  TestArena memory;
  const auto heap = std::make_unique<Heap<TestFixture::kPolicy, TestOs>>(TestOs{memory});
  ASSERT_TRUE(heap->start({.secret = 1, .region_bytes = 64 * kMiB, .arenas = 2}));
  std::vector<std::set<std::uintptr_t>> spans(2);
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 40; ++i) {
    memory.run_on(i % 2);
    blocks.push_back(heap->allocate(kSize, kMinAlignment, Kind::by_malloc).payload);
    ASSERT_NE(blocks.back(), nullptr);
    heap->for_each_span([&](SpanDescriptor& span, std::byte* start) {
      if (start <= blocks.back() && blocks.back() < start + span.length.bytes()) spans[i % 2].insert(address_of(start));
    });
  }
  for (const std::uintptr_t span : spans[0]) EXPECT_FALSE(spans[1].contains(span));
  EXPECT_GE(spans[0].size(), 2U);
  memory.run_on(0);
  for (void* const block : blocks) EXPECT_FALSE(heap->deallocate(block, kFromMalloc).is_fault());
  EXPECT_EQ(heap->stats().live_blocks, 0U);
  EXPECT_EQ(heap->stats().allocations, blocks.size());
  heap->stop();
  EXPECT_EQ(memory.breach(), nullptr);
}

}  // namespace
}  // namespace trestle
