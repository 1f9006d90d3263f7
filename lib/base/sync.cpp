#include "base/sync.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace trestle {
namespace {

constexpr std::uint32_t kFree = 0;
constexpr std::uint32_t kHeld = 1;
constexpr std::uint32_t kContended = 2;
constexpr int kSpins = 100;  // about the length of one free under the lock

// One address a thread, without thread-local storage, so that the library can be loaded by dlopen at any time.
void* this_thread() noexcept { return __builtin_thread_pointer(); }

void pause_briefly() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// A std::atomic<uint32_t> is its value in memory; the kernel compares and sleeps on those four bytes.
long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) noexcept {
  static_assert(sizeof word == sizeof(std::uint32_t));
  const int kept = errno;
  const long result = syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
  errno = kept;
  return result;
}

}  // namespace

bool Mutex::try_lock() noexcept {
  std::uint32_t expected = kFree;
  if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire, std::memory_order_relaxed)) return false;
  owner_.store(this_thread(), std::memory_order_relaxed);
  return true;
}

void Mutex::lock() noexcept {
  if (try_lock()) return;
  wait_for();
  owner_.store(this_thread(), std::memory_order_relaxed);
}

void Mutex::wait_for() noexcept {
  for (int spin = 0; spin < kSpins; ++spin) {
    std::uint32_t expected = kFree;
    if (state_.load(std::memory_order_relaxed) == kFree &&
        state_.compare_exchange_weak(expected, kHeld, std::memory_order_acquire, std::memory_order_relaxed)) {
      return;
    }
    pause_briefly();
  }
  while (state_.exchange(kContended, std::memory_order_acquire) != kFree) futex(state_, FUTEX_WAIT, kContended);
}

void Mutex::unlock() noexcept {
  owner_.store(nullptr, std::memory_order_relaxed);
  if (state_.exchange(kFree, std::memory_order_release) == kContended) futex(state_, FUTEX_WAKE, 1);
}

bool Mutex::is_held_by_caller() const noexcept { return owner_.load(std::memory_order_relaxed) == this_thread(); }

void Mutex::reset() noexcept {
  owner_.store(nullptr, std::memory_order_relaxed);
  state_.store(kFree, std::memory_order_release);
}

}  // namespace trestle
