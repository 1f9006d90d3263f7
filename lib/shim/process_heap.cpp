#include "shim/process_heap.hpp"

#include <array>
#include <atomic>
#include <optional>
#include <tuple>

#include "base/arith.hpp"
#include "base/marks.hpp"
#include "base/sanitize.hpp"
#include "shim/aftermath.hpp"
#include "shim/process_histories.hpp"
#include "shim/sweep.hpp"

namespace trestle {

constinit ProcessHeap heap_of_process;
constinit ProcessHistories histories_of_process{kHistoriesOfAll ? kMinAlignment : kGranule,
                                                kHistoriesOfAll ? StackDepot::kListsOfMany : StackDepot::kListsOfFew};
constinit Options options_of_process{
    .check_at_exit = kPolicy.check_at_exit,
    .handle_segv = kPolicy.handle_segv,
    .leak_check = kHistoriesOfAll && !kHasShadow,  // of some kernels that takes a minute
    .abort_on_mismatch = kPolicy.kind_fatal,
    .sample = kPolicy.sample};

namespace {

constexpr ProcessHeap& heap = heap_of_process;
constexpr Options& options = options_of_process;
constexpr ProcessHistories& histories = histories_of_process;

constinit std::atomic<std::uint64_t> check_every{0};
constinit std::atomic<std::uint64_t> calls{0};

void* out_of_memory() noexcept {
  errno = ENOMEM;
  return nullptr;
}

// A block is the program's from now on, as many bytes of it as were asked for.
void* owned(void* block, std::size_t size, bool zeroed = false) noexcept {
  if (block != nullptr) begin_block(block, size, zeroed);
  return block;
}
// A block that is released: it ends, if it is one, and is the program's again if a fault keeps it from being released.
class Ended {
 public:
  explicit Ended(void* block) noexcept : block_(block) {
    if constexpr (!kMarksBytes) return;
    const Sized size = heap.usable_size(block);
    if (is_about_bytes(size.kind)) return;  // a fault that the release meets too, or has met
    is_block_ = !size.is_fault();
    bytes_ = size.bytes;
    end_block(block, bytes_);
  }
  void revive() const noexcept {
    if (is_block_) begin_block(block_, bytes_, true);  // what it holds is taken to be known
  }

 private:
  void* block_;
  std::size_t bytes_ = 0;
  bool is_block_ = false;
};

// A block that was handed out, as far as such have a history.
void* noted(const Allocation& made, std::size_t size, const Call& call) noexcept {
  if (kHistoriesOfAll || made.is_alone) histories.begin(made.payload, size, call.site);
  return made.payload;
}

// Where the heap cannot be asked, since the thread is in it already.
Outlook outlook_inside(FaultKind kind) noexcept {
  if (kind == FaultKind::kind_mismatch && !options.abort_on_mismatch) return Outlook::harmless;
  return is_about_pointer(kind) || is_about_claim(kind) ? Outlook::as_asked : Outlook::hopeless;
}
Outlook outlook_of(const Fault& fault) noexcept {
  return heap.is_mendable(fault) ? Outlook::as_asked : outlook_inside(fault.kind);
}

// What the verdict on the pointer `given` is about, once that is reported and the process goes on.
Fault outlived(const Verdict& verdict, const void* given, const Call& call) noexcept {
  const Fault bare{.kind = verdict.kind, .address = verdict.at};
  if (!is_about_bytes(bare.kind) && is_counted(bare.kind, call, outlook_inside(bare.kind))) return bare;
  const bool is_inside = heap.is_entered_by_caller();
  const Fault fault = is_inside ? bare : heap.explain(verdict, given);
  outlive(fault, call, is_inside ? outlook_inside(fault.kind) : outlook_of(fault));
  return fault;
}

// Blocks that nobody gets any more, so that nobody looks for leaks among them: where they are held, a pointer leads to them.
constinit std::array<std::atomic<const void*>, 1024> withheld{};
constinit std::atomic<std::size_t> withheld_count{0};
void withhold(const void* block) noexcept {
  withheld[withheld_count.fetch_add(1, std::memory_order_relaxed) % withheld.size()] = block;
}

// Somebody still writes to a slot that is free. Where it would be served next, nobody gets it.
void keep_from_use(const Fault& fault) noexcept {
  constexpr int kTries = 2;  // the first may be a sample
  if (fault.served == 0 || fault.served > kPolicy.largest_slot) return;
  for (int i = 0; i < kTries; ++i) {
    const Allocation next = heap.allocate(fault.served - 1, kMinAlignment, Kind::by_malloc);
    if (next.payload == nullptr || next.is_fault()) return;
    if (next.payload == fault.block) return withhold(next.payload);
    std::ignore = heap.deallocate(next.payload, {.kind = Kind::by_malloc});  // a fault shows again where it matters
    if (!next.is_alone) return;
  }
}

// Faults of one call, after each of which it is made again. What comes back at one address after it was mended is no accident.
class Faults {
 public:
  // After a fault about bytes, what they should be; after a false claim, `how` without it. Others end the process.
  void make_up_for(const Fault& fault, Release& how, const Call& call) noexcept {
    if (fault.kind == FaultKind::size_mismatch) how.size = Release::kNoClaim;
    if (fault.kind == FaultKind::alignment_mismatch) how.alignment = 0;
    if (fault.kind == FaultKind::kind_mismatch) how.kind = Kind::none;
    if (is_about_claim(fault.kind)) return;
    again_ = fault.address == last_ ? again_ + 1 : 0;
    last_ = fault.address;
    if (++count_ > kMost || again_ > kMostAgain || !heap.mend(fault)) die(fault, call);
    if (fault.kind == FaultKind::write_after_free) keep_from_use(fault);
  }

 private:
  static constexpr int kMost = 1 << 20;
  static constexpr int kMostAgain = 16;

  int count_ = 0;
  int again_ = 0;
  const void* last_ = nullptr;
};

// What an attempt gives, once it meets no fault; nothing, and EINVAL, where it was given no block. `made`: by the first one.
template <class Attempt>
[[gnu::noinline]] void* insist(Allocation made, std::size_t size, const Call& call, Attempt attempt) noexcept {
  Release none;
  Faults faults;
  while (made.is_fault()) {
    const void* const given = call.argument != nullptr ? call.argument : made.payload;
    const Fault fault = outlived(made.verdict(), given, call);
    if (is_about_pointer(fault.kind)) {
      errno = EINVAL;
      return nullptr;
    }
    faults.make_up_for(fault, none, call);
    made = attempt();
  }
  return made.payload != nullptr ? noted(made, size, call) : out_of_memory();
}
template <class Attempt>
void* hand_out(std::size_t size, const Call& call, Attempt attempt) noexcept {
  const Allocation made = attempt();
  if (made.is_fault() || made.payload == nullptr) [[unlikely]]
    return insist(made, size, call, attempt);
  return noted(made, size, call);
}

// The history says so before, and the marks: once the heap has it back, the block may be another's.
Verdict release(void* block, const Release& how, const Call& call) noexcept {
  const bool is_first = histories.end(block, call.site);
  const Ended ended(block);
  const Verdict verdict = heap.deallocate(block, how);
  if (verdict.is_fault()) [[unlikely]] {
    if (is_first) histories.revive(block);
    ended.revive();
  }
  return verdict;
}

// After a release that met a fault: makes it again, unless the block is none, or is damaged and therefore nobody's from now on.
[[gnu::noinline]] void release_at_last(Verdict verdict, void* block, Release how, const Call& call) noexcept {
  Faults faults;
  while (verdict.is_fault()) {
    const Fault fault = outlived(verdict, block, call);
    if (is_about_pointer(fault.kind)) return;
    faults.make_up_for(fault, how, call);
    if (is_about_bytes(fault.kind) && fault.block == block) {
      (void)Ended(block);
      return withhold(block);
    }
    verdict = release(block, how, call);
  }
}

}  // namespace

void set_check_every(std::uint64_t number) noexcept {
  check_every.store(number, std::memory_order_relaxed);
  if (number != 0) heap.set_hot(false);  // each call is counted
}

void outlive_found(const Verdict& verdict, const Call& call) noexcept {
  Release none;
  Faults faults;
  faults.make_up_for(outlived(verdict, nullptr, call), none, call);
}

void tick(const Call& call) noexcept {
  sweep_if_due(call);
  const std::uint64_t every = check_every.load(std::memory_order_relaxed);
  if (every == 0) [[likely]]
    return;
  if ((calls.fetch_add(1, std::memory_order_relaxed) + 1) % every == 0) outlive(check_process_heap(), call);
}

Fault completed(Fault fault) noexcept {
  const bool is_of_slot = fault.served != 0 && fault.served <= kPolicy.largest_slot;
  const bool was_block = is_about_pointer(fault.kind) || fault.kind == FaultKind::write_past_end ||
                         fault.kind == FaultKind::write_before_start || fault.kind == FaultKind::write_after_free;
  if (!is_of_slot || !was_block || fault.requested != 0) return fault;
  const OwnAccesses own;
  fault.requested = history_of(fault.block).request_of(fault.served);
  return fault;
}

// Of a fault without a block the history is that of the last one that began there.
Printed tell(const Fault& fault, const Call& call, Severity severity, const Leaked& leaked) noexcept {
  const void* const block = fault.block != nullptr ? fault.block : fault.address;
  Beside beside{{}, leaked};
  std::uint64_t offset = 0;
  {
    const OwnAccesses own;
    beside.history = history_of(block);
    offset = heap.offset_of(fault.address);
  }
  const ProgramAccesses none_of_heap;
  return print_report(completed(fault), offset, call, severity, beside);
}

History history_of(const void* block) noexcept {
  const bool is_known = kHistoriesOfAll || (!heap.is_entered_by_caller() && heap.is_alone(block));
  return is_known ? histories.of(block) : History{};
}

void* serve(std::size_t size, std::size_t alignment, Kind kind, const Call& call) noexcept {
  const OwnAccesses own;
  // Under the other policies the edge has tried, which has no site to note.
  if (kHistoriesOfAll && alignment <= kMinAlignment) {
    if (void* const made = heap.allocate_hot(size, kind)) [[likely]]
      return owned(noted({made}, size, call), size);
  }
  if (!is_up()) [[unlikely]]
    return out_of_memory();
  tick(call);
  const std::size_t known = alignment <= History::kRequestLow ? size : ProcessHistories::kUnknownRequest;
  void* const made =
      hand_out(known, call, [&] { return heap.allocate(size, std::max(alignment, kMinAlignment), kind); });
  return owned(made, size);
}

void* serve_zeroed(std::size_t count, std::size_t size, const Call& call) noexcept {
  const OwnAccesses own;
  const std::optional<std::size_t> bytes = checked_multiply(count, size);
  if (bytes) [[likely]] {
    if (void* const made = heap.allocate_zeroed_hot(*bytes, Kind::by_malloc))
      return owned(noted({made}, *bytes, call), *bytes, true);
  }
  if (!bytes || !is_up()) [[unlikely]]
    return out_of_memory();
  tick(call);
  return owned(hand_out(*bytes, call, [&] { return heap.allocate_zeroed(*bytes, Kind::by_malloc); }), *bytes, true);
}

void* serve_again(void* block, std::size_t size, const Call& call) noexcept {
  const OwnAccesses own;
  if (block == nullptr) {
    if (void* const made = serve_hot(size, Kind::by_malloc)) return made;
    return serve(size, kMinAlignment, Kind::by_malloc, call);
  }
  if (!is_up()) [[unlikely]]
    return out_of_memory();
  tick(call);
  return hand_out(size, call, [&] {
    const bool is_first = histories.end(block, call.site);
    const Allocation made = heap.reallocate(block, size);
    if (made.payload == nullptr || made.is_fault()) [[unlikely]] {
      if (is_first) histories.revive(block);
    }
    return made;
  });
}

void take_back(void* block, const Release& how, const Call& call) noexcept {
  if (block == nullptr) return;
  const OwnAccesses own;
  if (take_back_away(block, how)) return;
  if (!is_up()) [[unlikely]]
    die(Fault{.kind = FaultKind::wild_pointer, .address = block}, call);
  tick(call);
  const Verdict verdict = release(block, how, call);
  if (verdict.is_fault()) [[unlikely]]
    release_at_last(verdict, block, how, call);
}

std::size_t size_of(const void* block, const Call& call) noexcept {
  if (block == nullptr) return 0;
  const OwnAccesses own;
  if (!is_up()) [[unlikely]]
    die(Fault{.kind = FaultKind::wild_pointer, .address = block}, call);
  Release none;
  Faults faults;
  for (;;) {
    const Sized sized = heap.usable_size(block);
    if (!sized.is_fault()) [[likely]] {
      permit_access(block, sized.bytes);  // which the program may use now
      return sized.bytes;
    }
    const Fault fault = outlived({sized.kind, block}, block, call);
    if (is_about_pointer(fault.kind)) return 0;
    faults.make_up_for(fault, none, call);
  }
}

}  // namespace trestle
