// Trestle: a hardened malloc that checks itself. The C++ interface; trestle.h has the C one and the types.
#pragma once

#include <trestle/trestle.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>
#include <new>
#include <span>
#include <string>
#include <type_traits>

namespace trestle {

using fault_kind = trestle_fault_kind;
using fault = trestle_fault;
using block = trestle_block;

// Checks the heap of the process: see trestle_heap_check. Returns the number of faults; fills in the first ones.
[[nodiscard]] inline std::size_t heap_check(std::span<fault> room = {}) noexcept {
  return trestle_heap_check(room.data(), room.size());
}

// Calls `visit(const trestle::block&)` for every block of the process's heap until it returns false. `visit` runs under
// the heap's locks: it must not allocate, free or throw. Returns false iff `visit` ended the walk. Cost: O(blocks).
template <class Visit>
bool walk(Visit&& visit) noexcept {
  const auto call = [](const trestle_block* at, void* context) -> int {
    return (*static_cast<std::remove_reference_t<Visit>*>(context))(*at) ? 0 : 1;
  };
  return trestle_walk(call, const_cast<void*>(static_cast<const volatile void*>(&visit))) == 0;
}

[[nodiscard]] inline trestle_stats stats() noexcept {
  trestle_stats all;
  trestle_get_stats(&all);
  return all;
}

[[nodiscard]] inline std::string stats_json() {
  std::string text(trestle_stats_json(nullptr, 0), '\0');
  trestle_stats_json(text.data(), text.size() + 1);
  return text;
}

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
  // the buffer is null, not 16-byte aligned, too small or above 2^40 bytes. Cost: O(bytes) where the bytes are not known
  // to be zero, which is always: pass `zeroed` when they are.
  static block_heap* create(void* buffer, std::size_t bytes, std::uint64_t secret, bool zeroed = false) noexcept;
  // The heap that create made in these bytes, in this or another process. Null iff its record is not sound.
  static block_heap* attach(void* buffer) noexcept;

  // A block of `size` bytes at a multiple of `alignment`, a power of two (below 16 counts as 16). Null iff the request
  // does not fit, or `alignment` is no power of two; also where a fault is found, which last_fault() then tells.
  // Alignment above 16 is of the address, so it does not survive a mapping elsewhere. Cost: O(1).
  void* allocate(std::size_t size, std::size_t alignment = 16) noexcept;
  // Gives a block back; null is ignored. Returns TRESTLE_FAULT_NONE or what is wrong with the pointer. O(1).
  fault_kind deallocate(void* block) noexcept;
  // Grows or shrinks a block, in place where it can be. Null as for allocate; the old block is then as it was.
  void* reallocate(void* block, std::size_t size) noexcept;
  // What the block's owner asked for; 0 for null and where the pointer is not a live block's.
  [[nodiscard]] std::size_t usable_size(const void* block) const noexcept;
  // The kind of the fault that the last allocate or reallocate found, TRESTLE_FAULT_NONE where it found none.
  [[nodiscard]] fault_kind last_fault() const noexcept;

  // The buffer has become longer: the heap takes the bytes up to `bytes`. False iff that is not at least 64 bytes more.
  bool grow(std::size_t bytes, bool zeroed = false) noexcept;
  // Gives bytes back at the end: at most what is free there. False iff a live block lies beyond `bytes`. O(1).
  bool shrink(std::size_t bytes) noexcept;
  // The smallest size that shrink would accept now.
  [[nodiscard]] std::size_t smallest_size() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept;

  struct usage {
    std::size_t live_blocks;
    std::size_t live_bytes;   // as requested
    std::size_t free_bytes;   // in free blocks, without their headers
    std::size_t largest_free; // the largest free block, which a request of that size may still miss by rounding
  };
  [[nodiscard]] usage stats() const noexcept;

  // As trestle_heap_check and trestle_walk, for this heap; offsets count from the buffer's start.
  std::size_t check(std::span<fault> room = {}) const noexcept;
  int walk(trestle_visitor visitor, void* context) const noexcept;
};

// A std::pmr resource over the process's heap. Its blocks come from trestle_memalign. Thread-safe.
class heap_resource final : public std::pmr::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* const block = trestle_memalign(alignment, bytes);
    if (block == nullptr) throw std::bad_alloc{};
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    trestle_free_aligned_sized(block, alignment, bytes);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return dynamic_cast<const heap_resource*>(&other) != nullptr;
  }
};

// A std::pmr resource over one block_heap. As thread-safe as that is: not. A fault at deallocation ends the program.
class block_heap_resource final : public std::pmr::memory_resource {
 public:
  explicit block_heap_resource(block_heap& heap) noexcept : heap_(&heap) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* const block = heap_->allocate(bytes, alignment);
    if (block == nullptr) throw std::bad_alloc{};
    return block;
  }
  void do_deallocate(void* block, std::size_t, std::size_t) override {
    if (heap_->deallocate(block) != TRESTLE_FAULT_NONE) __builtin_trap();
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    const auto* same = dynamic_cast<const block_heap_resource*>(&other);
    return same != nullptr && same->heap_ == heap_;
  }

  block_heap* heap_;
};

// A standard allocator over the process's heap. Stateless. Throws bad_array_new_length and bad_alloc as std::allocator.
template <class T>
class allocator {
 public:
  using value_type = T;

  constexpr allocator() noexcept = default;
  template <class U>
  constexpr allocator(const allocator<U>&) noexcept {}

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length{};
    void* const block = trestle_memalign(alignof(T), count * sizeof(T));
    if (block == nullptr) throw std::bad_alloc{};
    return static_cast<T*>(block);
  }
  void deallocate(T* block, std::size_t count) noexcept {
    trestle_free_aligned_sized(block, alignof(T), count * sizeof(T));
  }
  template <class U>
  friend constexpr bool operator==(const allocator&, const allocator<U>&) noexcept {
    return true;
  }
};

}  // namespace trestle
