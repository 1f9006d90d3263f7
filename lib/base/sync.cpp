#include "base/sync.hpp"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace trestle {
namespace {

constexpr std::uint64_t kFree = 0;
constexpr std::uint64_t kContended = 1;
constexpr int kSpins = 100;  // about the length of one free under the lock

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

constexpr int kYields = 100;
constexpr long kDrained = 1'000'000;  // nanoseconds

void sleep_for(long nanoseconds) noexcept {
  const int kept = errno;
  const timespec time{0, nanoseconds};
  nanosleep(&time, nullptr);
  errno = kept;
}

bool membarrier(int command) noexcept {
  const int kept = errno;
  const bool done = syscall(SYS_membarrier, command, 0, 0) == 0;
  errno = kept;
  return done;
}

}  // namespace

std::uint64_t unique_number() noexcept {
  static constinit std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

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

constinit std::atomic<bool> Gate::has_barrier_{false};

void Gate::prepare() noexcept {
  if (has_barrier_.load(std::memory_order_relaxed)) return;
  if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)) has_barrier_.store(true, std::memory_order_release);
}

bool Gate::try_enter_slowly() noexcept {
  if (inside_.load(std::memory_order_relaxed)) return false;
  inside_.exchange(true, std::memory_order_seq_cst);
  if ((state_.load(std::memory_order_seq_cst) & kClosed) == 0) return true;
  leave();
  return false;
}

void Gate::await_owners() noexcept {
  if (!has_barrier_.load(std::memory_order_relaxed) || membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) return;
  // Refused by now, as under a filter of system calls: so long, and every processor has made its stores known.
  sleep_for(kDrained);
}

void Gate::await_empty() const noexcept {
  for (int spin = 0; inside_.load(std::memory_order_seq_cst); ++spin) {
    if (spin < kSpins)
      pause_briefly();
    else if (spin < kSpins + kYields)
      sched_yield();
    else
      sleep_for(kDrained);  // the owner may be of a lower priority
  }
}

void Gate::reset() noexcept {
  inside_.store(false, std::memory_order_relaxed);
  state_.store(has_barrier_.load(std::memory_order_relaxed) ? kOpen : kNoBarrier, std::memory_order_relaxed);
}

}  // namespace trestle
