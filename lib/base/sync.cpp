#include "base/sync.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace trestle {
namespace {

constexpr std::uint64_t kFree = 0;
constexpr std::uint64_t kContended = 1;
constexpr int kSpins = 100;  // about the length of one free under the lock

// One address a thread, without thread-local storage, so that the library can be loaded by dlopen at any time.
std::uint64_t this_thread() noexcept { return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer()); }

void pause_briefly() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// The kernel compares and sleeps on the word's low half, which comes first: both architectures are little-endian.
long futex(std::atomic<std::uint64_t>& word, int operation, std::uint64_t value) noexcept {
  static_assert(sizeof word == sizeof(std::uint64_t));
  const int kept = errno;
  const long result =
      syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, static_cast<std::uint32_t>(value), nullptr, nullptr, 0);
  errno = kept;
  return result;
}

}  // namespace

bool Mutex::try_lock() noexcept {
  std::uint64_t expected = kFree;
  return word_.compare_exchange_strong(expected, this_thread(), std::memory_order_acquire, std::memory_order_relaxed);
}

void Mutex::lock() noexcept {
  if (try_lock() || is_kept_by_caller()) return;
  wait_for();
}

void Mutex::wait_for() noexcept {
  const std::uint64_t self = this_thread();
  for (int spin = 0; spin < kSpins; ++spin) {
    std::uint64_t expected = kFree;
    if (word_.load(std::memory_order_relaxed) == kFree &&
        word_.compare_exchange_weak(expected, self, std::memory_order_acquire, std::memory_order_relaxed)) {
      return;
    }
    pause_briefly();
  }
  for (std::uint64_t seen = word_.load(std::memory_order_relaxed);;) {
    if (seen == kFree) {  // taken as contended, since others may sleep still
      if (word_.compare_exchange_weak(seen, self | kContended, std::memory_order_acquire, std::memory_order_relaxed))
        return;
      continue;
    }
    if ((seen & kContended) == 0 && !word_.compare_exchange_weak(seen, seen | kContended, std::memory_order_relaxed))
      continue;
    futex(word_, FUTEX_WAIT, seen | kContended);
    seen = word_.load(std::memory_order_relaxed);
  }
}

void Mutex::unlock() noexcept {
  if (is_kept_by_caller()) return;
  if ((word_.exchange(kFree, std::memory_order_release) & kContended) != 0) futex(word_, FUTEX_WAKE, 1);
}

bool Mutex::is_kept_by_caller() const noexcept {
  return kept_.load(std::memory_order_relaxed) &&
         (word_.load(std::memory_order_relaxed) & ~kContended) == this_thread();
}

bool Mutex::is_held_by_caller() const noexcept {
  return (word_.load(std::memory_order_relaxed) & ~kContended) == this_thread() &&
         !kept_.load(std::memory_order_relaxed);
}

void Mutex::keep() noexcept {
  lock();
  kept_.store(true, std::memory_order_relaxed);
}

void Mutex::let_go() noexcept {
  kept_.store(false, std::memory_order_relaxed);
  unlock();
}

void Mutex::reset() noexcept {
  kept_.store(false, std::memory_order_relaxed);
  word_.store(kFree, std::memory_order_release);
}

}  // namespace trestle
