// A BitmapHeap in memory of its own.
#pragma once

#include <cstring>
#include <vector>

#include "faults.hpp"
#include "policies.hpp"
#include "slab/bitmap_heap.hpp"

namespace trestle {

inline constexpr std::size_t kPageSizes[] = {256, 512, 1024, 2048, 4096};

// Room for `bytes` of heap that may grow to `most`. The memory starts out dirty unless `zeroed`.
template <Policy P>
class Units {
 public:
  using HeapType = BitmapHeap<P>;
  static constexpr std::uint64_t kSecret = 0xB17'3A9;

  explicit Units(std::size_t bytes, std::size_t page_bytes = 4096, bool zeroed = false, std::size_t most = 0)
      : pages_(std::max(bytes, most) / kOsPage + 2), heap_(nullptr) {
    if (!zeroed) std::memset(pages_.data(), 0xC3, pages_.size() * kOsPage);
    heap_ = HeapType::create(start(), bytes, kSecret, page_bytes, zeroed);
  }
  [[nodiscard]] HeapType& operator*() { return *heap_; }
  [[nodiscard]] HeapType* operator->() { return heap_; }
  [[nodiscard]] HeapType* get() { return heap_; }
  [[nodiscard]] std::byte* start() { return pages_[0].bytes; }
  [[nodiscard]] std::byte* end() { return start() + heap_->size(); }

  // A page's own bytes and its units.
  [[nodiscard]] std::byte* header(std::size_t page) {
    return start() + page * heap_->page_bytes() + (page == 0 ? HeapType::kRecordBytes : 0);
  }
  [[nodiscard]] std::size_t header_bytes() { return HeapType::header_bytes(heap_->page_bytes()); }
  [[nodiscard]] std::byte* first_unit(std::size_t page) { return header(page) + header_bytes(); }
  [[nodiscard]] std::size_t units(std::size_t page) {
    return (page + 1) * heap_->page_bytes() / HeapType::kUnit -
           static_cast<std::size_t>(first_unit(page) - start()) / HeapType::kUnit;
  }
  // Whether every page is one free run, and nothing is wrong.
  void expect_empty() {
    EXPECT_TRUE(faults_of(*heap_).empty());
    const std::vector<BlockView> blocks = blocks_of(*heap_);
    ASSERT_EQ(blocks.size(), heap_->size() / heap_->page_bytes());
    for (std::size_t page = 0; page < blocks.size(); ++page) {
      EXPECT_EQ(blocks[page].state, BlockState::free) << page;
      EXPECT_EQ(blocks[page].payload, first_unit(page));
      EXPECT_EQ(blocks[page].served, units(page) * HeapType::kUnit);
    }
  }

 private:
  static constexpr std::size_t kOsPage = 4096;
  struct alignas(kOsPage) Page {
    std::byte bytes[kOsPage] = {};
  };

  std::vector<Page> pages_;
  HeapType* heap_;
};

template <class T>
class UnitsTest : public testing::Test {
 protected:
  static constexpr Policy kPolicy = T::kPolicy;
  using Room = Units<kPolicy>;
  // What a block of that size takes, and what the heap knows of its size.
  static constexpr std::size_t kPad = kPolicy.canary ? 1 : 0;
  [[nodiscard]] static std::size_t units_for(std::size_t size) {
    return std::max<std::size_t>((size + kPad + 15) / 16, 1);
  }
  [[nodiscard]] static std::size_t told(std::size_t size) { return kPolicy.canary ? size : units_for(size) * 16; }
};

}  // namespace trestle
