// A BufferHeap in memory of its own.
#pragma once

#include <cstring>
#include <vector>

#include "block/buffer_heap.hpp"
#include "faults.hpp"
#include "policies.hpp"

namespace trestle {

// Room for `bytes` of heap that may grow to `most`. The memory starts out dirty unless `zeroed`.
template <Policy P>
class Buffer {
 public:
  using HeapType = BufferHeap<P>;
  static constexpr std::uint64_t kSecret = 0xB0FF'E12;

  explicit Buffer(std::size_t bytes, bool zeroed = false, std::size_t most = 0)
      : pages_(std::max(bytes, most) / kPage + 2), heap_(nullptr) {
    if (!zeroed) std::memset(pages_.data(), 0xC3, pages_.size() * kPage);
    heap_ = HeapType::create(start(), bytes, kSecret, zeroed);
  }
  [[nodiscard]] HeapType& operator*() { return *heap_; }
  [[nodiscard]] HeapType* operator->() { return heap_; }
  [[nodiscard]] HeapType* get() { return heap_; }
  [[nodiscard]] std::byte* start() { return pages_[0].bytes; }
  [[nodiscard]] std::byte* end() { return start() + heap_->size(); }
  [[nodiscard]] static constexpr std::size_t room_for(std::size_t payload_and_headers) {
    return HeapType::overhead() + payload_and_headers;
  }

 private:
  static constexpr std::size_t kPage = 4096;
  struct alignas(kPage) Page {
    std::byte bytes[kPage] = {};
  };

  std::vector<Page> pages_;
  HeapType* heap_;
};

template <class T>
class BufferHeapTest : public testing::Test {
 protected:
  static constexpr Policy kPolicy = T::kPolicy;
  static constexpr std::size_t kLeastPad = BufferHeap<kPolicy>::kLeastPad;

  // One free block and nothing else: what a heap of any history comes back to.
  template <class Heap>
  static void expect_one_free_block(Heap& heap) {
    EXPECT_TRUE(faults_of(heap).empty());
    const std::vector<BlockView> blocks = blocks_of(heap);
    ASSERT_EQ(blocks.size(), 1U);
    EXPECT_EQ(blocks[0].state, BlockState::free);
    EXPECT_EQ(heap.counts().free_blocks, 1U);
    EXPECT_EQ(heap.counts().live_blocks, 0U);
    EXPECT_EQ(heap.counts().free_bytes, heap.size() - Heap::overhead());
  }
};

}  // namespace trestle
