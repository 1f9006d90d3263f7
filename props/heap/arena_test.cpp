// The arena by itself: its quarantine and the retired blocks are the same ones, its spans come and go, and a system that
// refuses leaves it sound.
#include "heap/arena.hpp"

#include <array>
#include <memory>

#include "faults.hpp"
#include "ops/test_os.hpp"
#include "policies.hpp"

namespace trestle {
namespace {

using ops::TestArena;
using ops::TestOs;

template <class T>
class ArenaTest : public testing::Test {
 protected:
  static constexpr Policy kPolicy = T::kPolicy;
  using ArenaType = Arena<kPolicy, TestOs>;

  void SetUp() override {
    ASSERT_TRUE(spans_.start(key_from(1), {.region_bytes = std::size_t{32} << 20, .decay_ms = 1000, .dirty_bytes = 0}));
    arena_->start(spans_, records_, key_from(2), 3, kBlockSpanBytes, 0, watch_);
  }
  void TearDown() override {
    arena_->stop();
    records_.stop(spans_.os());
    spans_.stop();
    EXPECT_EQ(memory_.breach(), nullptr);
  }
  std::byte* allocate(std::size_t size) {
    const Guard guard(arena_->lock());
    const Allocation made = arena_->allocate(size, kMinAlignment, Kind::by_malloc);
    return made.is_fault() ? nullptr : static_cast<std::byte*>(made.payload);
  }
  FaultKind deallocate(void* payload) {
    const Guard guard(arena_->lock());
    return arena_->deallocate(payload, kFromMalloc).kind;
  }
  FaultKind flush() {
    const Guard guard(arena_->lock());
    return arena_->flush().kind;
  }
  std::vector<Fault> faults() {
    std::array<Fault, 16> room{};
    FaultSink sink(room.data(), room.size());
    const Guard guard(arena_->lock());
    if (arena_->check(CheckLevel::full, sink)) arena_->check_waiting(sink);
    return {room.begin(), room.begin() + static_cast<std::ptrdiff_t>(std::min(room.size(), sink.count()))};
  }
  FaultKind refusal(std::size_t size) {
    const Guard guard(arena_->lock());
    return arena_->allocate(size, kMinAlignment, Kind::by_malloc).kind;
  }
  // The retired blocks that the quarantine does not hold.
  std::vector<std::byte*> shelved() {
    std::vector<std::byte*> found;
    const Guard guard(arena_->lock());
    for (const Shelf::Entry& entry : arena_->shelf().places()) {
      if (entry.payload != nullptr) found.push_back(static_cast<std::byte*>(entry.payload));
    }
    return found;
  }
  void forge(std::byte* payload, Header header) {
    std::byte* const at = payload - kHeaderBytes;
    store_header(arena_->key(), address_of(at) - address_of(arena_.get()), at, header);
  }
  // Enough frees of one size for a block to leave the quarantine; one of that size is on the shelf then.
  void fill_shelf(std::size_t size) {
    std::vector<std::byte*> live;
    const std::size_t most = std::min(kPolicy.quarantine_blocks, kPolicy.quarantine_bytes / size) + 2;
    for (std::size_t i = 0; i < most; ++i) live.push_back(allocate(size));
    for (std::byte* const at : live) ASSERT_EQ(deallocate(at), FaultKind::none);
  }
  [[nodiscard]] Header header_of(std::byte* payload) {
    std::byte* const at = payload - kHeaderBytes;
    return load_header(arena_->key(), address_of(at) - address_of(arena_.get()), at).value();
  }

  TestArena memory_;
  SpanHeap<TestOs> spans_{TestOs{memory_}};
  RecordPool<TestOs> records_;
  SweepWatch watch_;
  std::unique_ptr<ArenaType> arena_ = std::make_unique<ArenaType>();
};
TYPED_TEST_SUITE(ArenaTest, EveryPolicy, PolicyNames);

TYPED_TEST(ArenaTest, ARetiredBlockThatTheQuarantineDoesNotKnowIsI16) {
  std::byte* const at = this->allocate(100);
  ASSERT_TRUE(this->faults().empty());
  this->forge(at, this->header_of(at).retired());
  EXPECT_TRUE(has(this->faults(), FaultKind::quarantine_corrupt));
}

TYPED_TEST(ArenaTest, AQuarantinedBlockThatIsNotRetiredIsI16) {
  std::byte* const rests = this->allocate(100);
  std::byte* const other = this->allocate(100);
  ASSERT_EQ(this->deallocate(rests), FaultKind::none);
  const Header retired = this->header_of(rests);
  this->forge(rests, this->header_of(other).with_previous_used(retired.is_previous_used()));
  this->forge(other, retired.with_previous_used(true));
  EXPECT_TRUE(has(this->faults(), FaultKind::quarantine_corrupt, rests)) << "though the counts agree";
}

TYPED_TEST(ArenaTest, AFlushFreesAllThatRests) {
  std::vector<std::byte*> live;
  for (int i = 0; i < 200; ++i) live.push_back(this->allocate(300));
  for (std::byte* const at : live) ASSERT_EQ(this->deallocate(at), FaultKind::none);
  ASSERT_EQ(this->flush(), FaultKind::none);
  EXPECT_EQ(this->arena_->counts().retired_blocks, 0U);
  EXPECT_EQ(this->arena_->counts().free_blocks, 1U);
  EXPECT_TRUE(this->faults().empty());
}

TYPED_TEST(ArenaTest, ABlockThatHasRestedServesTheNextRequestOfItsSizeAsItIs) {
  constexpr std::size_t kSize = 100'000;
  this->fill_shelf(kSize);
  const BlockTally before = this->arena_->counts();
  std::byte* const at = this->allocate(kSize);
  ASSERT_NE(at, nullptr);
  const BlockTally after = this->arena_->counts();
  EXPECT_EQ(after.retired_blocks + 1, before.retired_blocks);
  EXPECT_EQ(after.free_blocks, before.free_blocks);
  EXPECT_EQ(after.free_bytes, before.free_bytes);
  EXPECT_EQ(this->header_of(at).requested(), kSize);
  EXPECT_TRUE(this->faults().empty());
  ASSERT_NE(this->allocate(kSize - 64), nullptr) << "of another block size";
  EXPECT_TRUE(this->faults().empty());
  EXPECT_EQ(this->deallocate(at), FaultKind::none);
}

TYPED_TEST(ArenaTest, WhatRestsOnTheShelfIsCheckedBeforeItIsHandedOutAndStaysThere) {
  if constexpr (TestFixture::kPolicy.poison) {
    constexpr std::size_t kSize = 100'000;
    this->fill_shelf(kSize);
    std::byte* const shelved = this->allocate(kSize);
    this->fill_shelf(kSize);  // so that the one known is on its way back there
    std::byte* at = nullptr;
    ASSERT_EQ(this->deallocate(shelved), FaultKind::none);
    for (std::byte* const block : this->shelved()) at = block;
    ASSERT_NE(at, nullptr);
    at[5] ^= std::byte{1};
    EXPECT_TRUE(has(this->faults(), FaultKind::write_after_free, at + 5));
    EXPECT_EQ(this->refusal(kSize), FaultKind::write_after_free);
    EXPECT_EQ(this->refusal(kSize), FaultKind::write_after_free);
    at[5] ^= std::byte{1};
    EXPECT_EQ(this->allocate(kSize), at);
    EXPECT_TRUE(this->faults().empty());
  }
}

TYPED_TEST(ArenaTest, AShelvedBlockOfAnotherSizeIsNotHandedOut) {
  constexpr std::size_t kSize = 100'000;
  this->fill_shelf(kSize);
  std::byte* const at = this->shelved().front();
  const Header header = this->header_of(at);
  this->forge(at, Header::live(header.size() - 1024, header.is_previous_used(), Kind::by_malloc, 0).retired());
  EXPECT_EQ(this->refusal(kSize), FaultKind::header_corrupt);
  this->forge(at, header);
  EXPECT_EQ(this->allocate(kSize), at);
}

TYPED_TEST(ArenaTest, AShelvedBlockThatIsNotRetiredIsI16) {
  constexpr std::size_t kSize = 100'000;
  std::byte* const other = this->allocate(kSize);  // of the same size, so that number and bytes stay right
  this->fill_shelf(kSize);
  ASSERT_FALSE(this->shelved().empty());
  std::byte* const at = this->shelved().front();
  this->forge(other, this->header_of(other).retired());
  this->forge(at,
              Header::live(this->header_of(at).size(), this->header_of(at).is_previous_used(), Kind::by_malloc, 16));
  EXPECT_TRUE(has(this->faults(), FaultKind::quarantine_corrupt));
}

TYPED_TEST(ArenaTest, EmptySpansGoBackButOneThatStaysWarm) {
  std::vector<std::byte*> live;
  for (int i = 0; i < 40; ++i) live.push_back(this->allocate(200 << 10));
  EXPECT_GE(this->spans_.counts().used_bytes, 8 * kBlockSpanBytes);
  for (std::byte* const at : live) ASSERT_EQ(this->deallocate(at), FaultKind::none);
  ASSERT_EQ(this->flush(), FaultKind::none);
  EXPECT_EQ(this->spans_.counts().used_bytes, kBlockSpanBytes);
  EXPECT_TRUE(this->faults().empty());
  {
    const Guard guard(this->arena_->lock());
    EXPECT_TRUE(this->arena_->trim());
  }
  EXPECT_EQ(this->spans_.counts().used_bytes, 0U);
  EXPECT_TRUE(this->faults().empty());
  EXPECT_NE(this->allocate(100), nullptr);
}

// Short of memory, what rests in the quarantine is given up before a request is refused.
TYPED_TEST(ArenaTest, WhatTheQuarantineHeldServesARequestOnceItIsFlushed) {
  constexpr std::size_t kSize = 60 << 10;
  std::vector<std::byte*> live;
  while (std::byte* const at = this->allocate(kSize)) live.push_back(at);
  ASSERT_GT(live.size(), 200U);
  ASSERT_EQ(this->deallocate(live.back()), FaultKind::none);
  EXPECT_EQ(this->allocate(kSize), nullptr);
  ASSERT_EQ(this->flush(), FaultKind::none);
  EXPECT_EQ(this->allocate(kSize), live.back());
  EXPECT_TRUE(this->faults().empty());
}

TYPED_TEST(ArenaTest, AnyCallThatTheSystemRefusesLeavesItSound) {
  for (std::size_t nth = 1; nth <= 8; ++nth) {
    this->memory_.refuse(nth);
    std::vector<std::byte*> live;
    for (int i = 0; i < 20; ++i) {
      if (std::byte* const at = this->allocate(200 << 10)) live.push_back(at);
      ASSERT_TRUE(this->faults().empty()) << nth;
    }
    for (std::byte* const at : live) {
      ASSERT_EQ(this->deallocate(at), FaultKind::none);
      ASSERT_TRUE(this->faults().empty()) << nth;
    }
    ASSERT_EQ(this->flush(), FaultKind::none);
    this->memory_.refuse(0);
    ASSERT_NE(this->allocate(200 << 10), nullptr);
  }
}

}  // namespace
}  // namespace trestle
