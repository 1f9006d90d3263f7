// Standard containers on Trestle: a std::pmr resource over the process's heap or over one in a buffer, and an allocator<T>.
#pragma once

#include <trestle/trestle.h>

#include <cstddef>
#include <limits>
#include <memory_resource>
#include <new>
#include <trestle/bitmap_heap.hpp>
#include <trestle/block_heap.hpp>

namespace trestle {

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
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

// A std::pmr resource over one block_heap or bitmap_heap, which must outlive it. As thread-safe as that is: not. A fault at
// deallocation ends the program. Of a bitmap_heap it serves no more than a page at once, and throws bad_alloc for the rest.
template <class BufferHeap>
class buffer_resource final : public std::pmr::memory_resource {
 public:
  explicit buffer_resource(BufferHeap& heap) noexcept : heap_(&heap) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* const block = heap_->allocate(bytes, alignment);
    if (block == nullptr) throw std::bad_alloc{};
    return block;
  }
  void do_deallocate(void* block, std::size_t, std::size_t) override {
    if (heap_->deallocate(block) != TRESTLE_FAULT_NONE) __builtin_trap();
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  BufferHeap* heap_;
};
using block_heap_resource = buffer_resource<block_heap>;
using bitmap_heap_resource = buffer_resource<bitmap_heap>;

// The one resource over the process's heap. Never null, never destroyed.
[[nodiscard]] inline std::pmr::memory_resource* resource() noexcept {
  alignas(heap_resource) static std::byte room[sizeof(heap_resource)];
  static heap_resource* const only = new (room) heap_resource;
  return only;
}

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
