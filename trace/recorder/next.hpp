// The malloc behind this one, which serves every call.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

namespace trestle::trace {

// Each by the name that the loader finds it by; null where the next malloc does not have it.
struct Next {
  void* (*malloc)(std::size_t);
  void* (*calloc)(std::size_t, std::size_t);
  void* (*realloc)(void*, std::size_t);
  void* (*reallocarray)(void*, std::size_t, std::size_t);
  void (*free)(void*);
  void (*free_sized)(void*, std::size_t);
  void (*free_aligned_sized)(void*, std::size_t, std::size_t);
  void* (*aligned_alloc)(std::size_t, std::size_t);
  int (*posix_memalign)(void**, std::size_t, std::size_t);
  void* (*memalign)(std::size_t, std::size_t);
  void* (*valloc)(std::size_t);
  void* (*pvalloc)(std::size_t);
  void (*exit_at_once)(int);  // _exit: a library's that looks at its heap at the end, or the C library's
};

namespace internal {
inline constinit std::atomic<const Next*> next{nullptr};
alignas(16) inline constinit std::array<unsigned char, 32 << 10> first_memory{};
[[nodiscard]] const Next* find_next() noexcept;
}  // namespace internal

// All of them; the first call looks them up. While that goes on, what the loader itself asks for comes from a buffer of the
// recorder's own: a null pointer is returned here, and first_memory() serves.
[[nodiscard]] inline const Next* next() noexcept {
  const Next* const found = internal::next.load(std::memory_order_acquire);
  return found != nullptr ? found : internal::find_next();
}

// From the buffer, as zeros, at a multiple of 16. Ends the process where the buffer is spent.
[[nodiscard]] void* first_memory(std::size_t bytes) noexcept;
[[nodiscard]] inline bool is_first_memory(const void* block) noexcept {
  const auto* const byte = static_cast<const unsigned char*>(block);
  return byte >= internal::first_memory.data() && byte < internal::first_memory.data() + internal::first_memory.size();
}
// A block of `bytes` from the next malloc, or the buffer, with what `block`, one of the buffer's, holds.
[[nodiscard]] void* moved_first_memory(const void* block, std::size_t bytes) noexcept;

}  // namespace trestle::trace
