#include "base/sync.hpp"

#include <array>
#include <cstddef>

namespace trestle {
namespace {

constexpr std::uint64_t kFree = 0;
constexpr std::uint64_t kContended = 1;
constexpr int kYields = 100;
constexpr std::size_t kMostWaits = 16;  // of more threads at once those beyond are not looked at
constexpr long kDrained = 1'000'000;    // nanoseconds

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

// That a thread is about to sleep, and for which mutex: written down before it looks whether that can end, so that of two who
// wait for one another the later one sees it.
class Mutex::Wait {
 public:
  Wait(std::uint64_t thread, const Mutex& wanted) noexcept : wanted_(wanted), thread_(thread), entry_(find(thread)) {
    is_new_ = entry_ == nullptr;
    if (is_new_) entry_ = take(thread);
    if (entry_ != nullptr) before_ = entry_->mutex.exchange(&wanted, std::memory_order_seq_cst);
  }
  ~Wait() {
    if (entry_ == nullptr) return;
    if (is_new_)
      entry_->clear();
    else
      entry_->mutex.store(before_, std::memory_order_seq_cst);
  }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  // Whether the caller waits for itself, by way of others. What is read of a holder may be over when the next one is read; but
  // who is seen to wait for the caller stands still, and with each further look one more of those behind does. So as many looks
  // as a circle may have others, and one more, are only agreed where there is one.
  [[nodiscard]] bool is_endless() const noexcept {
    for (std::size_t look = 0; look <= kMostWaits; ++look) {
      if (!leads_back()) return false;
    }
    return true;
  }

  // kFree: those of all.
  static void forget(std::uint64_t thread) noexcept {
    for (Entry& entry : entries_) {
      if (thread == kFree || entry.thread.load(std::memory_order_relaxed) == thread) entry.clear();
    }
  }

 private:
  struct Entry {
    Atomic<std::uint64_t> thread{0};  // 0: free
    Atomic<const Mutex*> mutex{nullptr};

    void clear() noexcept {
      mutex.store(nullptr, std::memory_order_seq_cst);
      thread.store(0, std::memory_order_seq_cst);
    }
  };

  // That of the thread; null: it has none. A signal's handler has that of whom it interrupted.
  [[nodiscard]] static Entry* find(std::uint64_t thread) noexcept {
    for (Entry& entry : entries_) {
      if (entry.thread.load(std::memory_order_seq_cst) == thread) return &entry;
    }
    return nullptr;
  }
  [[nodiscard]] static Entry* take(std::uint64_t thread) noexcept {
    for (Entry& entry : entries_) {
      std::uint64_t nobody = 0;
      if (entry.thread.compare_exchange_strong(nobody, thread, std::memory_order_seq_cst)) return &entry;
    }
    return nullptr;
  }
  [[nodiscard]] static const Mutex* wanted_by(std::uint64_t thread) noexcept {
    const Entry* const entry = find(thread);
    return entry != nullptr ? entry->mutex.load(std::memory_order_seq_cst) : nullptr;
  }
  [[nodiscard]] bool leads_back() const noexcept {
    const Mutex* at = &wanted_;
    for (std::size_t i = 0; i < kMostWaits && at != nullptr; ++i) {
      const std::uint64_t holder = at->owner();
      if (holder == thread_) return true;
      at = holder != kFree ? wanted_by(holder) : nullptr;
    }
    return false;
  }

  static constinit std::array<Entry, kMostWaits> entries_;

  const Mutex& wanted_;
  std::uint64_t thread_;
  Entry* entry_;
  bool is_new_ = false;
  const Mutex* before_ = nullptr;  // whom a handler interrupted waits for that
};
constinit std::array<Mutex::Wait::Entry, kMostWaits> Mutex::Wait::entries_{};

void Mutex::forget_wait_of_caller() noexcept { Wait::forget(this_thread()); }
void Mutex::forget_all_waits() noexcept { Wait::forget(kFree); }
std::uint64_t Mutex::owner() const noexcept { return word_.load(std::memory_order_seq_cst) & ~kContended; }

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
  const Wait wait(self, *this);
  for (std::uint64_t seen = word_.load(std::memory_order_relaxed);;) {
    if (wait.is_endless()) end_reentered();
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
  forget_all_waits();  // those of the others, who are gone
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

void Gate::await_empty() const noexcept {
  for (int spin = 0; inside_.load(std::memory_order_seq_cst); ++spin) {
    if (spin < kSpins)
      pause_briefly();
    else if (spin < kSpins + kYields)
      yield_processor();
    else
      sleep_for(kDrained);  // the owner may be of a lower priority
  }
}

void Gate::reset() noexcept {
  inside_.store(false, std::memory_order_relaxed);
  state_.store(has_barrier_.load(std::memory_order_relaxed) ? kOpen : kNoBarrier, std::memory_order_relaxed);
}

}  // namespace trestle
