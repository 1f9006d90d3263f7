// The locks of the library and the atomics of the heap: the one seam at which its threads meet. What lib/os counts for the
// process, and what lib/shim counts and marks, are atomics of their own.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/annotations.hpp"
#include "base/atomic.hpp"

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
  [[nodiscard]] bool is_kept_by_caller() const noexcept;

  // Called in place of a wait that would never end: a thread asks for a mutex that it holds, as the handler of a signal does
  // that interrupted it inside. It says so and ends the process; as long as there is none, a trap does.
  static void on_reentry(void (*end)() noexcept) noexcept { end_reentered_.store(end, std::memory_order_release); }
  [[noreturn]] static void end_reentered() noexcept;

 private:
  void wait_for() noexcept;
  static Atomic<void (*)() noexcept> end_reentered_;

  Atomic<std::uint64_t> word_{0};
  Atomic<bool> kept_{false};
};

// A number that no other call gives.
[[nodiscard]] std::uint64_t unique_number() noexcept;

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
  // Plus so much, whoever else adds meanwhile; returns the sum.
  T add(T change) noexcept { return value_.fetch_add(change, std::memory_order_acq_rel) + change; }
  // Becomes the larger of the two, whoever else raises it meanwhile.
  void raise_to(T value) noexcept {
    T now = value_.load(std::memory_order_relaxed);
    while (now < value && !value_.compare_exchange_weak(now, value, std::memory_order_acq_rel)) {
    }
  }

 private:
  Atomic<T> value_{};
};

// A lock with one owner, who passes by two plain stores; whoever else wants in pays for both, by a barrier that the kernel
// lets every thread of the process pass (membarrier, Linux 4.14; D. Dice et al., "Asymmetric Dekker synchronization", 2001).
// Where the kernel has none, the owner's store is a locked one.
//
//   owner: if (try_enter()) ... leave()      others: close() all of them, await_owners(), await_empty() each ... open()
//
// The owner must not wait, between try_enter and leave, for anything that an other holds while gates are closed.
class Gate {
 public:
  Gate() noexcept { reset(); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Asks the kernel for its barrier, once; before that, and where it refuses, owners do without.
  static void prepare() noexcept;

  // False: the owner is inside already and was interrupted there, or the gate is closed, or the kernel has no barrier.
  [[nodiscard]] bool try_enter() noexcept {
    if (inside_.load(std::memory_order_relaxed)) [[unlikely]]
      return false;
    inside_.store(true, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (state_.load(std::memory_order_seq_cst) == kOpen) [[likely]]
      return true;
    leave();
    return false;
  }
  // The same where the kernel has no barrier.
  [[nodiscard]] bool try_enter_slowly() noexcept;
  void leave() noexcept { inside_.store(false, std::memory_order_release); }
  // Whether the owner is inside: to itself exact, to others until await_empty a guess.
  [[nodiscard]] bool is_entered() const noexcept { return inside_.load(std::memory_order_relaxed); }

  // Whether somebody waits, or is about to, until the owner has left. Of an owner who has just left it may be told for a while.
  [[nodiscard]] bool is_awaited() const noexcept {
    return (state_.load(std::memory_order_acquire) & (kClosed | kSeenEmpty)) == kClosed;
  }
  void close() noexcept { state_.fetch_or(kClosed, std::memory_order_seq_cst); }
  void open() noexcept { state_.fetch_and(kNoBarrier, std::memory_order_release); }
  // Once for all gates just closed: whoever enters one from now on sees that it is.
  static void await_owners() noexcept;
  // Until the owner of a closed gate has left.
  void await_empty() noexcept;
  // As new: also in the child of a fork, where the owner may not be any more.
  void reset() noexcept;

 private:
  static constexpr std::uint8_t kOpen = 0;
  static constexpr std::uint8_t kClosed = 1;
  static constexpr std::uint8_t kNoBarrier = 2;  // the owner's store has to be a locked one
  static constexpr std::uint8_t kSeenEmpty = 4;  // since it was closed
  static Atomic<bool> has_barrier_;

  Atomic<bool> inside_{false};
  Atomic<std::uint8_t> state_{kNoBarrier};
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
