// In place of lib/base/atomic.hpp: every access of an atomic and every wait is a step, before which the harness decides which
// thread goes on. The threads are fibers of one: orders of memory are not modelled.
#pragma once

#include <atomic>
#include <cstdint>

#include "stepper.hpp"

namespace trestle {

// Each access is one instruction, at which nobody else can come in between.
template <class T>
class Atomic {
 public:
  constexpr Atomic() noexcept = default;
  constexpr Atomic(T value) noexcept : value_(value) {}

  [[nodiscard]] T load(std::memory_order) const noexcept {
    stepped::step_to(&value_);
    return value_.load(std::memory_order_relaxed);
  }
  void store(T value, std::memory_order) noexcept {
    stepped::step_to(&value_);
    value_.store(value, std::memory_order_relaxed);
  }
  T exchange(T value, std::memory_order) noexcept {
    stepped::step_to(&value_);
    return value_.exchange(value, std::memory_order_relaxed);
  }
  T fetch_add(T change, std::memory_order) noexcept {
    stepped::step_to(&value_);
    return value_.fetch_add(change, std::memory_order_relaxed);
  }
  T fetch_or(T bits, std::memory_order) noexcept {
    stepped::step_to(&value_);
    return value_.fetch_or(bits, std::memory_order_relaxed);
  }
  T fetch_and(T bits, std::memory_order) noexcept {
    stepped::step_to(&value_);
    return value_.fetch_and(bits, std::memory_order_relaxed);
  }
  bool compare_exchange_strong(T& expected, T wanted, std::memory_order,
                               std::memory_order = std::memory_order_relaxed) noexcept {
    stepped::step_to(&value_);
    return value_.compare_exchange_strong(expected, wanted, std::memory_order_relaxed);
  }
  bool compare_exchange_weak(T& expected, T wanted, std::memory_order order,
                             std::memory_order failed = std::memory_order_relaxed) noexcept {
    return compare_exchange_strong(expected, wanted, order, failed);
  }

 private:
  std::atomic<T> value_{};
};

[[nodiscard]] inline std::uint64_t this_thread() noexcept { return stepped::self(); }

inline constexpr int kSpins = 1;

inline void pause_briefly() noexcept { stepped::pass_on(); }
inline void yield_processor() noexcept { stepped::pass_on(); }
inline void sleep_for(long) noexcept { stepped::pass_on(); }
inline void sleep_on(Atomic<std::uint64_t>& word, std::uint64_t value) noexcept {
  if (word.load(std::memory_order_relaxed) == value) stepped::sleep_on(&word);
}
inline void wake_one(Atomic<std::uint64_t>& word) noexcept { stepped::wake_one(&word); }

[[nodiscard]] inline bool expect_barriers() noexcept { return true; }
[[nodiscard]] inline bool pass_barrier() noexcept {
  stepped::step();
  return true;
}

}  // namespace trestle
