#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory_resource>
#include <new>
#include <string>
#include <trestle/resource.hpp>
#include <vector>

namespace {

std::uint64_t live_blocks() {
  trestle_stats stats;
  trestle_get_stats(&stats);
  return stats.live_blocks;
}

std::size_t size_of(const void* block) { return trestle_malloc_usable_size(block); }

TEST(Resource, ServesPmrContainers) {
  std::pmr::vector<int> numbers(trestle::resource());
  for (int i = 0; i < 100000; ++i) numbers.push_back(i);
  EXPECT_EQ(numbers[99999], 99999);
  EXPECT_EQ(size_of(numbers.data()), numbers.capacity() * sizeof(int));
  std::pmr::map<int, std::pmr::string> texts(trestle::resource());
  for (int i = 0; i < 1000; ++i) texts.emplace(i, std::string(static_cast<std::size_t>(i), 'x'));
  EXPECT_EQ(texts.at(999).size(), 999U);
  EXPECT_EQ(trestle_heap_check(nullptr, 0), 0U);
}

TEST(Resource, GivesEverythingBack) {
  const std::uint64_t before = live_blocks();
  {
    std::pmr::list<int> numbers(1000, trestle::resource());
    EXPECT_GE(live_blocks(), before + 1000);
  }
  EXPECT_EQ(live_blocks(), before);
}

TEST(Resource, AlignsAndEquals) {
  void* const block = trestle::resource()->allocate(100, 4096);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 4096, 0U);
  trestle::resource()->deallocate(block, 100, 4096);
  EXPECT_TRUE(trestle::resource()->is_equal(*trestle::resource()));
  EXPECT_FALSE(trestle::resource()->is_equal(*std::pmr::null_memory_resource()));
}

TEST(Resource, ThrowsWhatItCannotServe) {
  const volatile std::size_t too_large = SIZE_MAX / 2 + 1;  // hidden from the compiler, which warns of it
  EXPECT_THROW((void)trestle::resource()->allocate(too_large), std::bad_alloc);
}

TEST(Allocator, ServesContainers) {
  std::vector<std::uint64_t, trestle::allocator<std::uint64_t>> numbers;
  for (std::uint64_t i = 0; i < 10000; ++i) numbers.push_back(i);
  EXPECT_EQ(numbers[9999], 9999U);
  EXPECT_EQ(size_of(numbers.data()), numbers.capacity() * sizeof(std::uint64_t));
  std::list<int, trestle::allocator<int>> list(100, 7);  // rebinds
  EXPECT_EQ(list.back(), 7);
}

TEST(Allocator, HonoursTheTypesAlignment) {
  struct alignas(128) Wide {
    char byte;
  };
  std::vector<Wide, trestle::allocator<Wide>> wide(3);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(wide.data()) % 128, 0U);
}

TEST(Allocator, ThrowsAsTheStandardsDoes) {
  trestle::allocator<int> ints;
  EXPECT_THROW((void)ints.allocate(SIZE_MAX / 2), std::bad_array_new_length);
  EXPECT_THROW((void)ints.allocate(SIZE_MAX / 8), std::bad_alloc);
  EXPECT_TRUE(ints == trestle::allocator<char>{});
}

TEST(BlockHeapResource, ServesFromItsBufferUntilItIsFull) {
  alignas(16) static std::array<std::byte, 65536> buffer;
  trestle::block_heap* const heap = trestle::block_heap::create(buffer.data(), buffer.size(), 1);
  ASSERT_NE(heap, nullptr);
  trestle::block_heap_resource resource(*heap);
  {
    std::pmr::vector<char> text(1000, 'x', &resource);
    EXPECT_GE(reinterpret_cast<std::byte*>(text.data()), buffer.data());
    EXPECT_LT(reinterpret_cast<std::byte*>(text.data()), buffer.data() + buffer.size());
    EXPECT_EQ(heap->stats().live_bytes, 1000U);
    EXPECT_THROW(text.resize(100000), std::bad_alloc);
    EXPECT_EQ(text.size(), 1000U);
    EXPECT_EQ(heap->check(), 0U);
  }
  EXPECT_EQ(heap->stats().live_blocks, 0U);
  trestle::block_heap_resource other(*heap);
  EXPECT_FALSE(resource.is_equal(other));
}

TEST(BitmapHeapResource, ServesFromItsBufferBlocksOfAPageAtMost) {
  alignas(16) static std::array<std::byte, 8192> buffer;
  trestle::bitmap_heap* const heap = trestle::bitmap_heap::create(buffer.data(), buffer.size(), 1, 1024);
  ASSERT_NE(heap, nullptr);
  trestle::bitmap_heap_resource resource(*heap);
  {
    std::pmr::list<int> numbers(20, 7, &resource);
    EXPECT_EQ(heap->stats().live_blocks, 20U);
    EXPECT_THROW(numbers.resize(1000), std::bad_alloc);
    EXPECT_EQ(numbers.size(), 20U);
    std::pmr::vector<char> text(500, 'x', &resource);
    EXPECT_GE(reinterpret_cast<std::byte*>(text.data()), buffer.data());
    EXPECT_LT(reinterpret_cast<std::byte*>(text.data()), buffer.data() + buffer.size());
    EXPECT_THROW(text.resize(2000), std::bad_alloc);
    EXPECT_EQ(text.size(), 500U);
    EXPECT_EQ(heap->check(), 0U);
  }
  EXPECT_EQ(heap->stats().live_blocks, 0U);
  void* const aligned = resource.allocate(40, 64);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(aligned) % 64, 0U);
  resource.deallocate(aligned, 40, 64);
  trestle::bitmap_heap_resource other(*heap);
  EXPECT_FALSE(resource.is_equal(other));
}

template <class BufferHeap>
void free_twice() {
  alignas(16) static std::array<std::byte, 65536> buffer;
  BufferHeap* const heap = BufferHeap::create(buffer.data(), buffer.size(), 1);
  if (heap == nullptr) return;
  trestle::buffer_resource<BufferHeap> resource(*heap);
  void* const block = resource.allocate(40);
  resource.deallocate(block, 40);
  resource.deallocate(block, 40);
}

TEST(BufferResourceDeathTest, EndsAProgramThatFreesABlockTwice) {
  EXPECT_DEATH(free_twice<trestle::block_heap>(), "");
  EXPECT_DEATH(free_twice<trestle::bitmap_heap>(), "");
}

}  // namespace
