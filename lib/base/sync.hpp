// The locks of the library and the only atomics: the one seam at which threads meet.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/annotations.hpp"

namespace trestle {

// A mutex that spins a little, then sleeps in the kernel. constinit, never destroyed, usable before main, after exit and,
// once reset in the child, across fork. It knows its owner, so that a call from a signal handler in the middle of another
// can be refused instead of waiting for itself. State: 0 free, 1 held, 2 held and somebody sleeps (U. Drepper, "Futexes
// are tricky", 2011).
class TRESTLE_CAPABILITY("mutex") Mutex {
 public:
  constexpr Mutex() noexcept = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() noexcept TRESTLE_ACQUIRE();
  [[nodiscard]] bool try_lock() noexcept TRESTLE_TRY_ACQUIRE(true);
  void unlock() noexcept TRESTLE_RELEASE();

  [[nodiscard]] bool is_held_by_caller() const noexcept;
  // In the child of a fork, which only the forking thread survives.
  void reset() noexcept;

 private:
  void wait_for() noexcept;

  std::atomic<std::uint32_t> state_{0};
  std::atomic<void*> owner_{nullptr};
};

// A value that one thread at a time writes, under a lock, while others read it without. Copies as the value does.
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
