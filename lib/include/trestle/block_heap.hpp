// Trestle's heap in a buffer.
#pragma once

#include <trestle/trestle.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace trestle {

// A heap in one buffer of the caller's: boundary-tag blocks, O(1), no system call, no globals. The heap's own record
// lies at the buffer's start and holds offsets, not pointers: the buffer may be mapped at another address, or at several
// at once (shared memory, a mapped file), as long as it is not moved while a call is under way. Freed memory is poisoned,
// the bytes past each request carry a canary, headers carry keyed tags. Not thread-safe: bring your own lock.
// A fault is returned, never reported and never fatal; a call that returns one has changed nothing.
class TRESTLE_API block_heap {
 public:
  block_heap() = delete;
  block_heap(const block_heap&) = delete;
  block_heap& operator=(const block_heap&) = delete;

  // Bytes that a heap needs before it can serve anything.
  [[nodiscard]] static std::size_t overhead() noexcept;

  // Makes a heap of `bytes` bytes at `buffer`. `secret` keys its tags; 0 serves, an unpredictable one hardens. Null iff
  // the buffer is null, not 16-byte aligned, too small or above 2^40 bytes. Cost: O(1); says `zeroed` that
  // the bytes are, none of them is touched before it is needed.
  static block_heap* create(void* buffer, std::size_t bytes, std::uint64_t secret, bool zeroed = false) noexcept;
  // The heap that create made at `buffer`, in this or another process. Null iff its record is not sound, or tells of more
  // than the `bytes` that there are.
  static block_heap* attach(void* buffer, std::size_t bytes) noexcept;

  // A block of `size` bytes at a multiple of `alignment`, a power of two (below 16 counts as 16). Null iff the request
  // does not fit, or `alignment` is no power of two; also where a fault is found, which last_fault() then tells.
  // Alignment above 16 is of the address, so it does not survive a mapping elsewhere. Cost: O(1).
  void* allocate(std::size_t size, std::size_t alignment = 16) noexcept;
  // Gives a block back; null is ignored. Returns TRESTLE_FAULT_NONE or what is wrong with the pointer. O(1).
  trestle_fault_kind deallocate(void* block) noexcept;
  // Grows or shrinks a block, in place where it can be. Null as for allocate; the old block is then as it was.
  void* reallocate(void* block, std::size_t size) noexcept;
  // What the block's owner asked for; 0 for null and where the pointer is not a live block's.
  [[nodiscard]] std::size_t usable_size(const void* block) const noexcept;
  // The kind of the fault that the last allocate or reallocate found, TRESTLE_FAULT_NONE where it found none.
  [[nodiscard]] trestle_fault_kind last_fault() const noexcept;

  // The buffer has become longer: the heap takes the bytes up to `bytes`. False iff that is not at least 64 bytes
  // more, or above 2^40, or the heap's end is not sound.
  bool grow(std::size_t bytes, bool zeroed = false) noexcept;
  // Gives bytes back at the end: at most what is free there. False iff a live block lies beyond `bytes`. O(1).
  bool shrink(std::size_t bytes) noexcept;
  // The smallest size that shrink would accept now.
  [[nodiscard]] std::size_t smallest_size() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept;

  struct usage {
    std::size_t live_blocks;
    std::size_t live_bytes;  // as requested
    std::size_t free_bytes;  // in free blocks, without their headers
    std::size_t
        largest_free;  // what the largest free block has room for; a request of that size may still miss it by rounding
  };
  [[nodiscard]] usage stats() const noexcept;

  // As trestle_heap_check and trestle_walk, for this heap; offsets count from the buffer's start.
  std::size_t check(std::span<trestle_fault> room = {}) const noexcept;
  int walk(trestle_visitor visitor, void* context) const noexcept;
};

}  // namespace trestle
