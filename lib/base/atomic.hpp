// What threads meet in and wait by: the atomics under the locks, who calls, and the kernel's waits. Whoever puts another header
// of this name in front of the include path decides which thread goes on at each of them.
#pragma once

#include <atomic>
#include <cstdint>

namespace trestle {

template <class T>
using Atomic = std::atomic<T>;

// The calling thread, as long as it lives: an address of its own, so that the library needs no thread-local storage to tell.
[[nodiscard]] inline std::uint64_t this_thread() noexcept {
  return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
}

inline constexpr int kSpins = 100;  // about the length of one free under the lock

inline void pause_briefly() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
// These leave errno as it was.
// Sleeps until woken, or not at all where the word's low half is another's by now; may return for no reason (futex).
void sleep_on(Atomic<std::uint64_t>& word, std::uint64_t value) noexcept;
// Wakes one that sleeps on the word.
void wake_one(Atomic<std::uint64_t>& word) noexcept;
void yield_processor() noexcept;
void sleep_for(long nanoseconds) noexcept;

// Every thread of the process passes a full barrier before pass_barrier returns (membarrier, Linux 4.14). False: the kernel
// has none. expect_barriers: once, before the first.
[[nodiscard]] bool expect_barriers() noexcept;
[[nodiscard]] bool pass_barrier() noexcept;

}  // namespace trestle
