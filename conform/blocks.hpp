// Blocks whose contents their owner knows. A block is filled with bytes that follow from its number and their position, and
// later verified; two that overlap, and one whose bytes were moved wrongly, show by that.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "case.hpp"

namespace trestle::conform {

struct Block {
  unsigned char* at = nullptr;
  std::size_t size = 0;
  unsigned number = 0;
};

// The byte that a block of that number has at that position.
[[nodiscard]] unsigned char byte_of(unsigned number, std::size_t position) noexcept;
void fill(const Block& block) noexcept;
// The first of the first `bytes` bytes that is not as it was filled, or `bytes`.
[[nodiscard]] std::size_t first_lost(const Block& block, std::size_t bytes) noexcept;
// That the first `bytes` bytes, or all, are as they were filled; otherwise the case ends, and tells when they were lost.
void verify(const Block& block, std::size_t bytes, const char* when);
void verify(const Block& block, const char* when);
// A filled block; null where there should be memory ends the case.
[[nodiscard]] Block make(std::size_t size, unsigned number);

[[nodiscard]] inline bool is_aligned(const volatile void* at, std::size_t alignment) noexcept {
  return reinterpret_cast<std::uintptr_t>(at) % alignment == 0;
}

// What C owes a block of that size: it is aligned for every object that fits into it.
[[nodiscard]] inline std::size_t owed_alignment(std::size_t size) noexcept {
  std::size_t alignment = alignof(std::max_align_t);
  while (alignment > size && alignment > 1) alignment /= 2;
  return alignment;
}

// Sizes that take the ways through an allocator: each of the smallest, some in each class of small ones, and those around the
// powers of two. At most kSizes of them.
inline constexpr std::size_t kSizes = 160;
template <class Visit>
void for_each_size(const Visit& visit) {
  for (std::size_t size = 1; size <= 80; ++size) visit(size);
  for (std::size_t size = 81; size <= 1100; size += size / 8) visit(size);
  for (std::size_t power = 2048; power <= (std::size_t{256} << 10); power *= 2) {
    for (const std::size_t size : {power - 1, power, power + 1, power + power / 2}) visit(size);
  }
  visit((std::size_t{1} << 20) + 1);
}

// The same pointer, of which the compiler knows nothing: not that new never gives null, and not that the block was freed.
template <class T>
T* hidden(T* pointer) noexcept {
  T* volatile copy = pointer;
  return copy;
}

// The compiler may not know these sizes, or it would warn of them or leave out what comes of them.
inline volatile std::size_t kHugeSizes[] = {static_cast<std::size_t>(PTRDIFF_MAX) + 1,
                                            static_cast<std::size_t>(PTRDIFF_MAX) + 4096, SIZE_MAX - 4096,
                                            SIZE_MAX - 16, SIZE_MAX};

}  // namespace trestle::conform
