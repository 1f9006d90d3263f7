// trestle::block_heap through its public header, as a program meets it: in a buffer, and in one file mapped at two addresses.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <trestle/block_heap.hpp>
#include <vector>

namespace trestle {
namespace {

constexpr std::size_t kBytes = 64 << 10;
constexpr std::size_t kMost = 256 << 10;
constexpr std::uint64_t kSecret = 77;

std::vector<trestle_block> blocks_of(const block_heap& heap) {
  std::vector<trestle_block> blocks;
  const auto keep = [](const trestle_block* block, void* to) {
    static_cast<std::vector<trestle_block>*>(to)->push_back(*block);
    return 0;
  };
  EXPECT_EQ(heap.walk(keep, &blocks), 0);
  return blocks;
}

class BlockHeapTest : public testing::Test {
 protected:
  void SetUp() override {
    heap_ = block_heap::create(room_.data(), kBytes, kSecret);
    ASSERT_NE(heap_, nullptr);
  }

  alignas(4096) static inline std::array<std::byte, kMost> room_;
  block_heap* heap_ = nullptr;
};

TEST_F(BlockHeapTest, ServesResizesAndTakesBack) {
  void* const at = heap_->allocate(100, 256);
  ASSERT_NE(at, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at) % 256, 0U);
  std::memset(at, 1, 100);
  EXPECT_EQ(heap_->usable_size(at), 100U);
  EXPECT_EQ(heap_->reallocate(at, 5000), at);
  EXPECT_EQ(heap_->usable_size(at), 5000U);
  EXPECT_EQ(static_cast<unsigned char*>(at)[99], 1);
  EXPECT_EQ(heap_->check(), 0U);
  EXPECT_EQ(heap_->deallocate(at), TRESTLE_FAULT_NONE);
  EXPECT_EQ(heap_->deallocate(nullptr), TRESTLE_FAULT_NONE);
  EXPECT_EQ(heap_->stats().live_blocks, 0U);
}

TEST_F(BlockHeapTest, SmallAlignmentsCountAsSixteenAndOthersAreRefused) {
  for (const std::size_t alignment : std::initializer_list<std::size_t>{1, 2, 4, 8, 16}) {
    void* const at = heap_->allocate(1, alignment);
    ASSERT_NE(at, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at) % 16, 0U);
  }
  for (const std::size_t alignment : std::initializer_list<std::size_t>{0, 3, 24, 100})
    EXPECT_EQ(heap_->allocate(1, alignment), nullptr) << alignment;
  EXPECT_EQ(heap_->last_fault(), TRESTLE_FAULT_NONE);
}

TEST_F(BlockHeapTest, StatsFollowWhatIsLive) {
  const block_heap::usage empty = heap_->stats();
  EXPECT_EQ(empty.live_bytes, 0U);
  EXPECT_EQ(empty.free_bytes, empty.largest_free + 1) << "each block has a pad";
  void* const one = heap_->allocate(1000);
  void* const other = heap_->allocate(500);
  const block_heap::usage two = heap_->stats();
  EXPECT_EQ(two.live_blocks, 2U);
  EXPECT_EQ(two.live_bytes, 1500U);
  EXPECT_LE(two.largest_free, empty.largest_free - 1500);
  EXPECT_NE(heap_->allocate(two.largest_free), nullptr);
  EXPECT_EQ(heap_->stats().largest_free, 0U);
  EXPECT_EQ(heap_->deallocate(one), TRESTLE_FAULT_NONE);
  EXPECT_EQ(heap_->deallocate(other), TRESTLE_FAULT_NONE);
  EXPECT_EQ(heap_->stats().live_blocks, 1U);
}

TEST_F(BlockHeapTest, WalkTellsAddressesOffsetsSizesAndStates) {
  void* const at = heap_->allocate(100);
  void* const hole = heap_->allocate(100);
  ASSERT_NE(heap_->allocate(7), nullptr);
  ASSERT_EQ(heap_->deallocate(hole), TRESTLE_FAULT_NONE);
  const std::vector<trestle_block> blocks = blocks_of(*heap_);
  ASSERT_EQ(blocks.size(), 4U);
  EXPECT_EQ(blocks[0].address, at);
  EXPECT_EQ(blocks[0].heap_offset, static_cast<std::uint64_t>(static_cast<std::byte*>(at) - room_.data()));
  EXPECT_EQ(blocks[0].requested, 100U);
  EXPECT_GE(blocks[0].served, 100U);
  EXPECT_EQ(blocks[0].state, TRESTLE_BLOCK_LIVE);
  EXPECT_EQ(blocks[0].kind, TRESTLE_KIND_MALLOC);
  EXPECT_EQ(blocks[1].address, hole);
  EXPECT_EQ(blocks[1].state, TRESTLE_BLOCK_FREE);
  EXPECT_EQ(blocks[1].kind, TRESTLE_KIND_NONE);
  const auto stop = [](const trestle_block*, void*) { return 42; };
  EXPECT_EQ(heap_->walk(stop, nullptr), 42);
}

TEST_F(BlockHeapTest, CheckTellsWhereWhatAndWhichInvariant) {
  auto* const at = static_cast<std::byte*>(heap_->allocate(100));
  at[100] ^= std::byte{1};
  std::array<trestle_fault, 2> faults{};
  ASSERT_EQ(heap_->check(faults), 1U);
  EXPECT_EQ(faults[0].kind, TRESTLE_FAULT_WRITE_PAST_END);
  EXPECT_EQ(faults[0].invariant, 5);
  EXPECT_EQ(faults[0].address, at + 100);
  EXPECT_EQ(faults[0].heap_offset, static_cast<std::uint64_t>(at + 100 - room_.data()));
  EXPECT_EQ(faults[0].block, at);
  EXPECT_EQ(faults[0].requested, 100U);
  EXPECT_NE(faults[0].found, faults[0].expected);
  EXPECT_NE(std::string_view(faults[0].text).find("write past end"), std::string_view::npos) << faults[0].text;
  EXPECT_EQ(faults[1].kind, TRESTLE_FAULT_NONE) << "only what was found is filled in";
  EXPECT_EQ(heap_->check(), 1U) << "counts without room as well";
}

TEST_F(BlockHeapTest, CountsMoreFaultsThanThereIsRoomFor) {
  for (int i = 0; i < 100; ++i) static_cast<std::byte*>(heap_->allocate(100))[100] ^= std::byte{1};
  std::vector<trestle_fault> faults(80);
  EXPECT_EQ(heap_->check(faults), 100U);
  const auto is_filled = [](const trestle_fault& fault) { return fault.kind == TRESTLE_FAULT_WRITE_PAST_END; };
  EXPECT_EQ(std::count_if(faults.begin(), faults.end(), is_filled), 80) << "all the room is used";
}

TEST_F(BlockHeapTest, FaultsAreReturnedAndRememberedUntilTheNextCall) {
  auto* const at = static_cast<std::byte*>(heap_->allocate(100));
  ASSERT_NE(heap_->allocate(1), nullptr);
  EXPECT_EQ(heap_->deallocate(at + 16), TRESTLE_FAULT_INTERIOR_POINTER);
  EXPECT_EQ(heap_->deallocate(room_.data() + kMost - 16), TRESTLE_FAULT_WILD_POINTER);
  at[100] ^= std::byte{1};
  EXPECT_EQ(heap_->reallocate(at, 300), nullptr);
  EXPECT_EQ(heap_->last_fault(), TRESTLE_FAULT_WRITE_PAST_END);
  EXPECT_EQ(heap_->deallocate(at), TRESTLE_FAULT_WRITE_PAST_END);
  at[100] ^= std::byte{1};
  EXPECT_NE(heap_->allocate(1), nullptr);
  EXPECT_EQ(heap_->last_fault(), TRESTLE_FAULT_NONE);
  EXPECT_EQ(heap_->deallocate(at), TRESTLE_FAULT_NONE);
  EXPECT_EQ(heap_->deallocate(at), TRESTLE_FAULT_DOUBLE_FREE);
  EXPECT_EQ(heap_->usable_size(at), 0U);
}

TEST_F(BlockHeapTest, CreateAndAttachRefuseWhatIsNoHeap) {
  EXPECT_EQ(block_heap::create(nullptr, kBytes, 1), nullptr);
  EXPECT_EQ(block_heap::create(room_.data() + 1, kBytes - 1, 1), nullptr);
  EXPECT_EQ(block_heap::create(room_.data(), block_heap::overhead(), 1), nullptr);
  EXPECT_EQ(block_heap::attach(room_.data(), SIZE_MAX), heap_) << "a refused create leaves the buffer alone";
  EXPECT_EQ(block_heap::attach(room_.data() + 4096, SIZE_MAX), nullptr);
  EXPECT_EQ(block_heap::attach(nullptr, SIZE_MAX), nullptr);
}

TEST_F(BlockHeapTest, GrowsAndShrinksAtItsEnd) {
  ASSERT_NE(heap_->allocate(heap_->stats().largest_free), nullptr);
  EXPECT_EQ(heap_->allocate(1000), nullptr);
  ASSERT_TRUE(heap_->grow(kMost));
  EXPECT_EQ(heap_->size(), kMost);
  void* const at = heap_->allocate(100000);
  ASSERT_NE(at, nullptr);
  EXPECT_FALSE(heap_->shrink(kBytes));
  ASSERT_EQ(heap_->deallocate(at), TRESTLE_FAULT_NONE);
  EXPECT_EQ(heap_->smallest_size(), kBytes);
  ASSERT_TRUE(heap_->shrink(kBytes));
  EXPECT_EQ(heap_->size(), kBytes);
  EXPECT_EQ(heap_->check(), 0U);
}

// The same bytes at two addresses: what one mapping allocates, the other sees, uses, checks and frees.
class TwiceMappedTest : public testing::Test {
 protected:
  void SetUp() override {
    file_ = memfd_create("block_heap", MFD_CLOEXEC);
    ASSERT_GE(file_, 0);
    ASSERT_EQ(ftruncate(file_, kMost), 0);
    for (std::byte*& view : views_) {
      void* const mapped = mmap(nullptr, kMost, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
      ASSERT_NE(mapped, MAP_FAILED);
      view = static_cast<std::byte*>(mapped);
    }
    ASSERT_NE(views_[0], views_[1]);
    one_ = block_heap::create(views_[0], kBytes, kSecret, true);
    ASSERT_NE(one_, nullptr);
    other_ = block_heap::attach(views_[1], SIZE_MAX);
    ASSERT_NE(other_, nullptr);
  }
  void TearDown() override {
    for (std::byte* const view : views_) munmap(view, kMost);
    close(file_);
  }
  // The same byte through the other mapping.
  [[nodiscard]] std::byte* across(void* at) const { return views_[1] + (static_cast<std::byte*>(at) - views_[0]); }

  int file_ = -1;
  std::array<std::byte*, 2> views_{};
  block_heap* one_ = nullptr;
  block_heap* other_ = nullptr;
};

TEST_F(TwiceMappedTest, WhatOneAllocatesTheOtherFrees) {
  std::vector<std::byte*> live;
  for (std::size_t i = 0; i < 50; ++i) {
    auto* const at = static_cast<std::byte*>(one_->allocate(i * 7));
    ASSERT_NE(at, nullptr);
    std::memset(at, static_cast<int>(i), i * 7);
    live.push_back(at);
  }
  EXPECT_EQ(other_->check(), 0U);
  EXPECT_EQ(other_->stats().live_blocks, 50U);
  for (std::size_t i = 0; i < live.size(); ++i) {
    std::byte* const seen = across(live[i]);
    ASSERT_EQ(other_->usable_size(seen), i * 7);
    ASSERT_TRUE(std::all_of(seen, seen + i * 7, [&](std::byte byte) { return byte == static_cast<std::byte>(i); }));
    block_heap& either = i % 2 == 0 ? *one_ : *other_;
    ASSERT_EQ(either.deallocate(i % 2 == 0 ? live[i] : seen), TRESTLE_FAULT_NONE);
    ASSERT_EQ(one_->check(), 0U);
    ASSERT_EQ(other_->check(), 0U);
  }
  EXPECT_EQ(one_->stats().live_blocks, 0U);
  EXPECT_EQ(blocks_of(*other_).size(), 1U) << "all of it coalesced again";
}

TEST_F(TwiceMappedTest, BothWalksShowTheSameOffsets) {
  for (int i = 0; i < 10; ++i) ASSERT_NE(one_->allocate(100), nullptr);
  const std::vector<trestle_block> here = blocks_of(*one_);
  const std::vector<trestle_block> there = blocks_of(*other_);
  ASSERT_EQ(here.size(), there.size());
  for (std::size_t i = 0; i < here.size(); ++i) {
    EXPECT_EQ(here[i].heap_offset, there[i].heap_offset);
    EXPECT_EQ(across(here[i].address), there[i].address);
    EXPECT_EQ(here[i].requested, there[i].requested);
  }
}

TEST_F(TwiceMappedTest, AFaultShowsThroughBothMappings) {
  auto* const at = static_cast<std::byte*>(one_->allocate(100));
  across(at)[100] ^= std::byte{4};
  std::array<trestle_fault, 1> fault{};
  EXPECT_EQ(one_->check(fault), 1U);
  EXPECT_EQ(fault[0].address, at + 100);
  EXPECT_EQ(other_->check(fault), 1U);
  EXPECT_EQ(fault[0].address, across(at) + 100);
  EXPECT_EQ(other_->deallocate(across(at)), TRESTLE_FAULT_WRITE_PAST_END);
  EXPECT_EQ(other_->deallocate(at), TRESTLE_FAULT_WILD_POINTER) << "one mapping's pointer is not the other's";
}

TEST_F(TwiceMappedTest, GrowthThroughOneServesTheOther) {
  EXPECT_EQ(other_->allocate(kBytes), nullptr);
  ASSERT_TRUE(one_->grow(kMost, true));
  EXPECT_EQ(other_->size(), kMost);
  void* const at = other_->allocate(kBytes);
  ASSERT_NE(at, nullptr);
  EXPECT_FALSE(one_->shrink(kBytes));
  EXPECT_EQ(other_->deallocate(at), TRESTLE_FAULT_NONE);
  EXPECT_TRUE(one_->shrink(kBytes));
  EXPECT_EQ(other_->size(), kBytes);
  EXPECT_EQ(other_->check(), 0U);
}

}  // namespace
}  // namespace trestle
