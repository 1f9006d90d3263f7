// Trestle's heap in a buffer for a few small blocks.
#pragma once

#include <trestle/trestle.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace trestle {

// A heap in one buffer of the caller's, like block_heap, for blocks of tens to hundreds of bytes: units of 16 bytes in pages,
// and of its own two bits a unit and eight bytes a page at the page's start, where block_heap has 16 bytes before each block.
// A block takes its request and one byte in whole units, and never more than a page. No system call, no globals; no addresses
// in the buffer, so it may be mapped elsewhere, or at several places at once, as long as it is not moved while a call is under
// way. Freed units are poisoned to the last byte, the bytes past each request carry a canary, the record and each page's bits
// carry a keyed seal. Not thread-safe: bring your own lock.
// A fault is returned, never reported and never fatal; a call that returns one has changed nothing.
class TRESTLE_API bitmap_heap {
 public:
  bitmap_heap() = delete;
  bitmap_heap(const bitmap_heap&) = delete;
  bitmap_heap& operator=(const bitmap_heap&) = delete;

  // Makes a heap of the whole pages in the `bytes` bytes at `buffer`; what is left over behind the last one is not used.
  // `secret` keys its seals; 0 serves, an unpredictable one hardens. `page_bytes`: a power of two from 256 to 4096, which
  // bounds what a block can hold. Null iff the buffer is null, not 16-byte aligned, shorter than a page or longer than
  // 2^32 - 1 of them, or `page_bytes` is none of these. Cost: O(bytes); says `zeroed` that the bytes are, O(pages).
  static bitmap_heap* create(void* buffer, std::size_t bytes, std::uint64_t secret, std::size_t page_bytes = 4096,
                             bool zeroed = false) noexcept;
  // The heap that create made at `buffer`, in this or another process. Null iff its record is not sound, or tells of more
  // than the `bytes` that there are. Cost: O(1).
  static bitmap_heap* attach(void* buffer, std::size_t bytes) noexcept;

  // A block of `size` bytes at a multiple of `alignment`, a power of two (below 16 counts as 16): the lowest units that do.
  // Null iff the request does not fit, or `alignment` is no power of two; also where a fault is found, which last_fault()
  // then tells. Alignment above 16 is of the address, so it does not survive a mapping elsewhere. Cost: O(pages) from the
  // first one on that is not full.
  void* allocate(std::size_t size, std::size_t alignment = 16) noexcept;
  // Gives a block back; null is ignored. Returns TRESTLE_FAULT_NONE or what is wrong with the pointer. Cost: O(page_bytes).
  trestle_fault_kind deallocate(void* block) noexcept;
  // Grows or shrinks a block, in place where its page has the units behind it, and else as allocate and deallocate. Null as
  // for allocate; the old block is then as it was. Cost: that of allocate.
  void* reallocate(void* block, std::size_t size) noexcept;
  // What the block's owner asked for; 0 for null and where the pointer is not a live block's. Cost: O(page_bytes).
  [[nodiscard]] std::size_t usable_size(const void* block) const noexcept;
  // The kind of the fault that the last allocate or reallocate found, TRESTLE_FAULT_NONE where it found none.
  [[nodiscard]] trestle_fault_kind last_fault() const noexcept;

  // The buffer has become longer: the heap takes the whole pages up to `bytes`. False iff that is not at least a page more,
  // or more than 2^32 - 1 pages, or the record is not sound. Cost: O(bytes added).
  bool grow(std::size_t bytes, bool zeroed = false) noexcept;
  // Gives whole pages back at the end, down to what fits into `bytes`. False iff that is more than there is, or a page that
  // would go has a live block or is not sound. Cost: O(pages given back).
  bool shrink(std::size_t bytes) noexcept;
  // The smallest size that shrink would accept now, at least a page; 0 where the record is not sound.
  [[nodiscard]] std::size_t smallest_size() const noexcept;
  // Bytes in whole pages.
  [[nodiscard]] std::size_t size() const noexcept;
  // The most bytes that one block can hold. The first page, which has the record, has 48 fewer.
  [[nodiscard]] std::size_t largest_request() const noexcept;

  struct usage {
    std::size_t live_blocks;
    std::size_t live_bytes;    // as requested
    std::size_t free_bytes;    // in free units
    std::size_t largest_free;  // the largest request that would be served now
  };
  // By walking; pages that are not sound count for nothing. Cost: O(pages + blocks).
  [[nodiscard]] usage stats() const noexcept;

  // As trestle_heap_check and trestle_walk, for this heap; offsets count from the buffer's start. Of kinds it knows nothing:
  // every block's is TRESTLE_KIND_NONE. Cost: O(bytes) and O(pages + blocks).
  std::size_t check(std::span<trestle_fault> room = {}) const noexcept;
  int walk(trestle_visitor visitor, void* context) const noexcept;
};

}  // namespace trestle
