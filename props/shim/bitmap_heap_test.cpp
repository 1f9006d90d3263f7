// trestle::bitmap_heap through its public header, as a program meets it: in a buffer, and in one file mapped at two addresses.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <trestle/bitmap_heap.hpp>
#include <vector>

namespace trestle {
namespace {

constexpr std::size_t kBytes = 4 << 10;
constexpr std::size_t kMost = 16 << 10;
constexpr std::size_t kPage = 1024;
constexpr std::uint64_t kSecret = 77;

std::vector<trestle_block> blocks_of(const bitmap_heap& heap) {
  std::vector<trestle_block> blocks;
  const auto keep = [](const trestle_block* block, void* to) {
    static_cast<std::vector<trestle_block>*>(to)->push_back(*block);
    return 0;
  };
  EXPECT_EQ(heap.walk(keep, &blocks), 0);
  return blocks;
}

class BitmapHeapFaceTest : public testing::Test {
 protected:
  void SetUp() override {
    heap_ = bitmap_heap::create(room_.data(), kBytes, kSecret, kPage);
    ASSERT_NE(heap_, nullptr);
  }

  alignas(4096) static inline std::array<std::byte, kMost> room_;
  bitmap_heap* heap_ = nullptr;
};

TEST_F(BitmapHeapFaceTest, ServesResizesAndTakesBack) {
  void* const at = heap_->allocate(100, 256);
  ASSERT_NE(at, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at) % 256, 0U);
  std::memset(at, 1, 100);
  EXPECT_EQ(heap_->usable_size(at), 100U);
  EXPECT_EQ(heap_->reallocate(at, 500), at);
  EXPECT_EQ(heap_->usable_size(at), 500U);
  EXPECT_EQ(static_cast<unsigned char*>(at)[99], 1);
  EXPECT_EQ(heap_->check(), 0U);
  EXPECT_EQ(heap_->deallocate(at), TRESTLE_FAULT_NONE);
  EXPECT_EQ(heap_->deallocate(nullptr), TRESTLE_FAULT_NONE);
  EXPECT_EQ(heap_->stats().live_blocks, 0U);
}

TEST_F(BitmapHeapFaceTest, SmallAlignmentsCountAsSixteenAndOthersAreRefused) {
  for (const std::size_t alignment : std::initializer_list<std::size_t>{1, 2, 4, 8, 16}) {
    void* const at = heap_->allocate(1, alignment);
    ASSERT_NE(at, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at) % 16, 0U);
  }
  for (const std::size_t alignment : std::initializer_list<std::size_t>{0, 3, 24, 100})
    EXPECT_EQ(heap_->allocate(1, alignment), nullptr) << alignment;
  EXPECT_EQ(heap_->last_fault(), TRESTLE_FAULT_NONE);
}

TEST_F(BitmapHeapFaceTest, PagesAreOf4096BytesUnlessSaid) {
  bitmap_heap* const heap = bitmap_heap::create(room_.data(), kMost, kSecret);
  ASSERT_NE(heap, nullptr);
  EXPECT_EQ(heap->size(), kMost);
  EXPECT_EQ(heap->largest_request(), std::size_t{4096} - 80 - 1);
  EXPECT_NE(heap->allocate(heap->largest_request()), nullptr);
  EXPECT_EQ(heap->allocate(heap->largest_request() + 1), nullptr);
}

TEST_F(BitmapHeapFaceTest, StatsFollowWhatIsLive) {
  const bitmap_heap::usage empty = heap_->stats();
  EXPECT_EQ(empty.live_bytes, 0U);
  EXPECT_EQ(empty.free_bytes, kBytes - 48 - std::size_t{4} * 32);
  EXPECT_EQ(empty.largest_free, heap_->largest_request());
  void* const one = heap_->allocate(900);
  void* const other = heap_->allocate(500);
  const bitmap_heap::usage two = heap_->stats();
  EXPECT_EQ(two.live_blocks, 2U);
  EXPECT_EQ(two.live_bytes, 1400U);
  EXPECT_EQ(two.free_bytes, empty.free_bytes - 912 - 512);
  for (std::size_t largest = two.largest_free; largest != 0; largest = heap_->stats().largest_free) {
    EXPECT_EQ(heap_->allocate(largest + 1), nullptr);
    EXPECT_NE(heap_->allocate(largest), nullptr);
  }
  EXPECT_EQ(heap_->stats().free_bytes, 0U);
  EXPECT_EQ(heap_->deallocate(one), TRESTLE_FAULT_NONE);
  EXPECT_EQ(heap_->stats().largest_free, 911U);
  EXPECT_EQ(heap_->deallocate(other), TRESTLE_FAULT_NONE);
}

TEST_F(BitmapHeapFaceTest, WalkTellsAddressesOffsetsSizesAndStates) {
  void* const at = heap_->allocate(100);
  void* const hole = heap_->allocate(100);
  ASSERT_NE(heap_->allocate(7), nullptr);
  ASSERT_EQ(heap_->deallocate(hole), TRESTLE_FAULT_NONE);
  const std::vector<trestle_block> blocks = blocks_of(*heap_);
  ASSERT_EQ(blocks.size(), 7U);
  EXPECT_EQ(blocks[0].address, at);
  EXPECT_EQ(blocks[0].heap_offset, static_cast<std::uint64_t>(static_cast<std::byte*>(at) - room_.data()));
  EXPECT_EQ(blocks[0].requested, 100U);
  EXPECT_EQ(blocks[0].served, 112U);
  EXPECT_EQ(blocks[0].state, TRESTLE_BLOCK_LIVE);
  EXPECT_EQ(blocks[0].kind, TRESTLE_KIND_NONE);
  EXPECT_EQ(blocks[1].address, hole);
  EXPECT_EQ(blocks[1].state, TRESTLE_BLOCK_FREE);
  const auto stop = [](const trestle_block*, void*) { return 42; };
  EXPECT_EQ(heap_->walk(stop, nullptr), 42);
}

TEST_F(BitmapHeapFaceTest, CheckTellsWhereWhatAndWhichInvariant) {
  auto* const at = static_cast<std::byte*>(heap_->allocate(100));
  at[100] ^= std::byte{1};
  std::array<trestle_fault, 2> faults{};
  ASSERT_EQ(heap_->check(faults), 1U);
  EXPECT_EQ(faults[0].kind, TRESTLE_FAULT_WRITE_PAST_END);
  EXPECT_EQ(faults[0].address, at + 100);
  EXPECT_EQ(faults[0].heap_offset, static_cast<std::uint64_t>(at + 100 - room_.data()));
  EXPECT_EQ(faults[0].block, at);
  EXPECT_EQ(faults[0].requested, 100U);
  EXPECT_NE(faults[0].found, faults[0].expected);
  EXPECT_NE(std::string_view(faults[0].text).find("write past end"), std::string_view::npos) << faults[0].text;
  EXPECT_EQ(faults[1].kind, TRESTLE_FAULT_NONE) << "only what was found is filled in";
  room_[kPage + 9] ^= std::byte{1};
  ASSERT_EQ(heap_->check(faults), 2U);
  EXPECT_EQ(faults[1].kind, TRESTLE_FAULT_CONTROL_CORRUPT);
  EXPECT_EQ(faults[1].address, room_.data() + kPage) << "the page whose codes are wrong";
  EXPECT_EQ(heap_->check(), 2U) << "counts without room as well";
}

TEST_F(BitmapHeapFaceTest, FaultsAreReturnedAndRememberedUntilTheNextCall) {
  auto* const at = static_cast<std::byte*>(heap_->allocate(100));
  ASSERT_NE(heap_->allocate(1), nullptr);
  EXPECT_EQ(heap_->deallocate(at + 16), TRESTLE_FAULT_INTERIOR_POINTER);
  EXPECT_EQ(heap_->deallocate(room_.data() + kMost - 16), TRESTLE_FAULT_WILD_POINTER);
  EXPECT_EQ(heap_->deallocate(room_.data() + kPage), TRESTLE_FAULT_NOT_A_BLOCK);
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
  room_[40] = std::byte{255};
  EXPECT_EQ(heap_->last_fault(), TRESTLE_FAULT_NONE) << "no kind that there is, whatever was written over it";
}

TEST_F(BitmapHeapFaceTest, CreateAndAttachRefuseWhatIsNoHeap) {
  EXPECT_EQ(bitmap_heap::create(nullptr, kBytes, 1), nullptr);
  EXPECT_EQ(bitmap_heap::create(room_.data() + 1, kBytes - 1, 1), nullptr);
  EXPECT_EQ(bitmap_heap::create(room_.data(), 4095, 1), nullptr);
  EXPECT_EQ(bitmap_heap::create(room_.data(), kBytes, 1, 300), nullptr);
  EXPECT_EQ(bitmap_heap::attach(room_.data(), SIZE_MAX), heap_) << "a refused create leaves the buffer alone";
  EXPECT_EQ(bitmap_heap::attach(room_.data(), kBytes - 1), nullptr);
  EXPECT_EQ(bitmap_heap::attach(room_.data() + 4096, SIZE_MAX), nullptr);
  EXPECT_EQ(bitmap_heap::attach(nullptr, SIZE_MAX), nullptr);
}

TEST_F(BitmapHeapFaceTest, GrowsAndShrinksByPages) {
  while (heap_->allocate(10) != nullptr) continue;
  ASSERT_TRUE(heap_->grow(kMost));
  EXPECT_EQ(heap_->size(), kMost);
  void* const at = heap_->allocate(900);
  ASSERT_NE(at, nullptr);
  EXPECT_FALSE(heap_->shrink(kBytes));
  ASSERT_EQ(heap_->deallocate(at), TRESTLE_FAULT_NONE);
  EXPECT_EQ(heap_->smallest_size(), kBytes);
  ASSERT_TRUE(heap_->shrink(kBytes + 5));
  EXPECT_EQ(heap_->size(), kBytes);
  EXPECT_EQ(heap_->check(), 0U);
}

// The same bytes at two addresses: what one mapping allocates, the other sees, uses, checks and frees.
TEST(BitmapHeapTwiceMapped, WhatOneAllocatesTheOtherFrees) {
  const int file = memfd_create("bitmap_heap", MFD_CLOEXEC);
  ASSERT_GE(file, 0);
  ASSERT_EQ(ftruncate(file, kMost), 0);
  std::array<std::byte*, 2> views{};
  for (std::byte*& view : views) {
    void* const mapped = mmap(nullptr, kMost, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ASSERT_NE(mapped, MAP_FAILED);
    view = static_cast<std::byte*>(mapped);
  }
  bitmap_heap* const one = bitmap_heap::create(views[0], kMost, kSecret, kPage, true);
  ASSERT_NE(one, nullptr);
  bitmap_heap* const other = bitmap_heap::attach(views[1], kMost);
  ASSERT_NE(other, nullptr);
  std::vector<std::byte*> live;
  for (std::size_t i = 0; i < 50; ++i) {
    auto* const at = static_cast<std::byte*>(one->allocate(i * 3));
    ASSERT_NE(at, nullptr);
    std::memset(at, static_cast<int>(i), i * 3);
    live.push_back(at);
  }
  EXPECT_EQ(other->check(), 0U);
  EXPECT_EQ(other->stats().live_blocks, 50U);
  for (std::size_t i = 0; i < live.size(); ++i) {
    std::byte* const seen = views[1] + (live[i] - views[0]);
    ASSERT_EQ(other->usable_size(seen), i * 3);
    ASSERT_TRUE(std::all_of(seen, seen + i * 3, [&](std::byte byte) { return byte == static_cast<std::byte>(i); }));
    ASSERT_EQ(other->deallocate(live[i]), TRESTLE_FAULT_WILD_POINTER) << "one mapping's pointer is not the other's";
    ASSERT_EQ(i % 2 == 0 ? one->deallocate(live[i]) : other->deallocate(seen), TRESTLE_FAULT_NONE);
  }
  EXPECT_EQ(one->check(), 0U);
  EXPECT_EQ(one->stats().live_blocks, 0U);
  for (std::byte* const view : views) munmap(view, kMost);
  close(file);
}

}  // namespace
}  // namespace trestle
