// The locks of the library and the only atomics: the one seam at which threads meet.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/annotations.hpp"

namespace trestle {

// A mutex that spins a little, then sleeps in the kernel. constinit, never destroyed, usable before main, after exit and,
// once reset in the child, across fork. One word holds both its owner and whether somebody sleeps, so that at every instant
// a signal handler can tell whether the thread that it interrupted is inside. After U. Drepper, "Futexes are tricky", 2011,
// with the owner in place of the state. Word: 0 free; else the owner's address, plus 1 where somebody may sleep.
class TRESTLE_CAPABILITY("mutex") Mutex {
 public:
  constexpr Mutex() noexcept = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() noexcept TRESTLE_ACQUIRE();
  [[nodiscard]] bool try_lock() noexcept TRESTLE_TRY_ACQUIRE(true);
  void unlock() noexcept TRESTLE_RELEASE();

  // Whether the calling thread is between lock and unlock; false while it keeps the mutex for a fork.
  [[nodiscard]] bool is_held_by_caller() const noexcept;

  // Around fork: what the mutex guards is at rest, nobody else gets in, and the keeper's own lock and unlock do nothing, so
  // that what others do around fork may use it. let_go undoes keep; reset does so in the child, which has one thread.
  void keep() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  void let_go() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  void reset() noexcept;

 private:
  void wait_for() noexcept;
  [[nodiscard]] bool is_kept_by_caller() const noexcept;

  std::atomic<std::uint64_t> word_{0};
  std::atomic<bool> kept_{false};
};

// A value that one thread at a time writes, under a lock or as its owner, while others read it. Copies as the value does.
template <class T>
class Shared {
 public:
  constexpr Shared() noexcept = default;
  constexpr Shared(T value) noexcept : value_(value) {}
  constexpr Shared(const Shared& other) noexcept : value_(static_cast<T>(other)) {}
  constexpr Shared& operator=(const Shared& other) noexcept { return *this = static_cast<T>(other); }
  constexpr Shared& operator=(T value) noexcept {
    value_.store(value, std::memory_order_release);
    return *this;
  }
  operator T() const noexcept { return value_.load(std::memory_order_acquire); }
  // Becomes the larger of the two, whoever else raises it meanwhile.
  void raise_to(T value) noexcept {
    T now = value_.load(std::memory_order_relaxed);
    while (now < value && !value_.compare_exchange_weak(now, value, std::memory_order_acq_rel)) {
    }
  }

 private:
  std::atomic<T> value_{};
};

class TRESTLE_SCOPED_CAPABILITY Guard {
 public:
  explicit Guard(Mutex& mutex) noexcept TRESTLE_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~Guard() noexcept TRESTLE_RELEASE() { mutex_.unlock(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace trestle
