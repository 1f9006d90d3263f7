#include "base/sync.hpp"

namespace trestle {
namespace {

constexpr std::uint64_t kFree = 0;
constexpr std::uint64_t kContended = 1;
constexpr int kYields = 100;
constexpr long kDrained = 1'000'000;  // nanoseconds

}  // namespace

std::uint64_t unique_number() noexcept {
  static constinit Atomic<std::uint64_t> last{0};
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

constinit Atomic<void (*)() noexcept> Mutex::end_reentered_{nullptr};

void Mutex::end_reentered() noexcept {
  if (auto* const end = end_reentered_.load(std::memory_order_acquire)) end();
  __builtin_trap();
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
    if ((seen & ~kContended) == self) end_reentered();
    if (seen == kFree) {  // taken as contended, since others may sleep still
      if (word_.compare_exchange_weak(seen, self | kContended, std::memory_order_acquire, std::memory_order_relaxed))
        return;
      continue;
    }
    if ((seen & kContended) == 0 && !word_.compare_exchange_weak(seen, seen | kContended, std::memory_order_relaxed))
      continue;
    sleep_on(word_, seen | kContended);
    seen = word_.load(std::memory_order_relaxed);
  }
}

void Mutex::unlock() noexcept {
  if (is_kept_by_caller()) return;
  if ((word_.exchange(kFree, std::memory_order_release) & kContended) != 0) wake_one(word_);
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

constinit Atomic<bool> Gate::has_barrier_{false};

void Gate::prepare() noexcept {
  if (has_barrier_.load(std::memory_order_relaxed)) return;
  if (expect_barriers()) has_barrier_.store(true, std::memory_order_release);
}

bool Gate::try_enter_slowly() noexcept {
  if (inside_.load(std::memory_order_relaxed)) return false;
  inside_.exchange(true, std::memory_order_seq_cst);
  if ((state_.load(std::memory_order_seq_cst) & kClosed) == 0) return true;
  leave();
  return false;
}

void Gate::await_owners() noexcept {
  if (!has_barrier_.load(std::memory_order_relaxed) || pass_barrier()) return;
  // Refused by now, as under a filter of system calls: so long, and every processor has made its stores known.
  sleep_for(kDrained);
}

void Gate::await_empty() noexcept {
  for (int spin = 0; inside_.load(std::memory_order_seq_cst); ++spin) {
    if (spin < kSpins)
      pause_briefly();
    else if (spin < kSpins + kYields)
      yield_processor();
    else
      sleep_for(kDrained);  // the owner may be of a lower priority
  }
  state_.fetch_or(kSeenEmpty, std::memory_order_release);
}

void Gate::reset() noexcept {
  inside_.store(false, std::memory_order_relaxed);
  state_.store(has_barrier_.load(std::memory_order_relaxed) ? kOpen : kNoBarrier, std::memory_order_relaxed);
}

}  // namespace trestle
