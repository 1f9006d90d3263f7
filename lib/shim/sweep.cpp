#include "shim/sweep.hpp"

#include <algorithm>
#include <atomic>

#include "leak/roots.hpp"
#include "shim/aftermath.hpp"
#include "shim/process_heap.hpp"

namespace trestle {
namespace {

constinit std::atomic<bool> sweeping{false};
constinit std::atomic<bool> at_work{false};            // a thread makes one that was due
constinit std::atomic<int> refusals{0};                // one after the other
constinit std::atomic<std::size_t> expected_bytes{0};  // that the next one will read
constinit std::size_t default_stack = 0;
constinit std::atomic<bool> said_that_room_is_short{false};

struct Swept {
  std::uint64_t blocks = 0;
  std::size_t bytes_read = 0;
  Verdict verdict{};
};

// The others may go on: to what nothing leads nobody comes any more, and all that wait are under the heap's locks.
Marked let_unreached_go(Reach& reach, os::StoppedThreads& others, void* context) noexcept {
  auto& swept = *static_cast<Swept*>(context);
  if (!others.stand()) return Marked::not_stopped;
  others.let_go();
  const auto may_go = [&](const void* payload) {
    const Reach::Block* const block = reach.find(payload);
    return block != nullptr && block->at == payload && block->state == Reach::State::unreached;
  };
  swept.verdict = process_heap().sweep(may_go, swept.blocks);
  swept.bytes_read = reach.bytes_read();
  return Marked::done;
}

void expect_next(std::size_t bytes_read) noexcept {
  if (process_heap().expect_sweep(bytes_read) || said_that_room_is_short.exchange(true)) return;
  print_line("more freed blocks wait for a sweep than there is room for: the oldest are used again");
}

Marked sweep_once(const os::Caller& caller, std::uint64_t patience_ns, std::size_t stack_bytes, Swept& swept) noexcept {
  const MarkUse how{.with_retired = true,
                    .patience_ns = patience_ns,
                    .stack_bytes = stack_bytes,
                    .use = let_unreached_go,
                    .context = &swept};
  const Marked marked = mark_heap(caller, how);
  if (marked != Marked::done || !sweeping.load(std::memory_order_relaxed)) return marked;
  refusals.store(0);
  expected_bytes.store(swept.bytes_read);
  expect_next(swept.bytes_read);
  return marked;
}

// Where none can be made now it is tried again, later each time it takes too long. Where none can be made at all, as it
// seems, blocks wait no longer than they did without.
void put_off(Marked why) noexcept {
  constexpr int kMostRefusals = 8;
  constexpr std::size_t kLeast = std::size_t{64} << 20;
  constexpr std::size_t kMost = std::size_t{1} << 30;
  if (why == Marked::not_now) return;
  if (refusals.fetch_add(1) + 1 < kMostRefusals) {
    if (why == Marked::late) expected_bytes.store(std::clamp(2 * expected_bytes.load(), kLeast, kMost));
    return expect_next(expected_bytes.load());
  }
  if (sweeping.exchange(false)) print_line("freed blocks are no longer swept: ", reason(why));
  process_heap().expect_no_sweep();
}

// Nothing interrupts it that would leave by a jump.
[[gnu::noinline]] Swept sweep_with_little_patience() noexcept {
  constexpr std::uint64_t kPatienceNs = 100'000'000;
  const os::Caller caller = os::Caller::here();
  const os::Undisturbed undisturbed;
  Swept swept;
  if (at_work.exchange(true)) return swept;
  if (!sweeping.load()) {
    process_heap().expect_no_sweep();
  } else if (process_heap().is_sweep_due()) {  // still, after whoever was at work
    const Marked marked = sweep_once(caller, kPatienceNs, default_stack, swept);
    if (marked != Marked::done) put_off(marked);
  }
  at_work.store(false);
  return swept;
}

}  // namespace

Marked sweep(const os::Caller& caller, const Call& call, std::uint64_t& swept) noexcept {
  constexpr int kMost = 64;
  Marked marked = Marked::done;
  for (int i = 0; i < kMost; ++i) {
    Swept one;
    const Marked next = sweep_once(caller, os::StoppedThreads::kPatienceNs, 0, one);
    if (i == 0 || next == Marked::done) marked = next;
    swept += one.blocks;
    if (!one.verdict.is_fault()) break;
    outlive_found(one.verdict, call);
  }
  return marked;
}

void begin_sweeps() noexcept {
  default_stack = default_stack_bytes();
  sweeping.store(true, std::memory_order_relaxed);
  expect_next(0);
}

void begin_sweeps_of_child() noexcept { at_work.store(false); }

void make_due_sweep(const Call& call) noexcept {
  if (at_work.load(std::memory_order_relaxed) || !is_own_process()) return;
  const Swept swept = sweep_with_little_patience();
  if (swept.verdict.is_fault()) outlive_found(swept.verdict, call);
}

}  // namespace trestle
