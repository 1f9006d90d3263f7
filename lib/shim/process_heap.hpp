// The one heap of the process: brought up at the first call, checked every so often where the options say so, and the edge
// at which a fault becomes a report.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/marks.hpp"
#include "base/policy.hpp"
#include "heap/heap.hpp"
#include "os/shadowed_os.hpp"
#include "report/report.hpp"
#include "shim/options.hpp"

#ifndef TRESTLE_POLICY
#error "TRESTLE_POLICY names the policy that this library is built for, such as kHardened"
#endif

namespace trestle {

inline constexpr const Policy& kPolicy = TRESTLE_POLICY;
using ProcessOs = std::conditional_t<kTellsAsan, ShadowedOs, std::conditional_t<kTellsValgrind, WatchedOs, LinuxOs>>;
using ProcessHeap = Heap<TRESTLE_POLICY, ProcessOs>;

extern constinit ProcessHeap heap_of_process;
extern constinit Options options_of_process;
// The heap, started: `is_up` tries that where it is not, and is false where no address space could be reserved.
[[nodiscard]] inline ProcessHeap& process_heap() noexcept { return heap_of_process; }
extern constinit std::atomic<bool> heap_is_started;
bool start_heap() noexcept;
[[nodiscard]] inline bool is_started() noexcept { return heap_is_started.load(std::memory_order_acquire); }
[[nodiscard]] inline bool is_up() noexcept { return is_started() || start_heap(); }

// Reports what a sweep found wrong in a freed block, as one of the call's faults, and mends it if the process goes on.
void outlive_found(const Verdict& verdict, const Call& call) noexcept;

// Each of so many calls checks the heap; 0: none.
void set_check_every(std::uint64_t calls) noexcept;
// Counts the call, and checks the heap if it is due.
void tick(const Call& call) noexcept;

// The fault, with what was asked for, where the heap no longer knows that and the block's history does.
[[nodiscard]] Fault completed(Fault fault) noexcept;
// Prints the report, with what is known of the block's history. As print_report.
Printed tell(const Fault& fault, const Call& call, Severity severity, const Leaked& leaked = {}) noexcept;
// Who allocated and freed the block, as far as such have a history.
[[nodiscard]] History history_of(const void* block) noexcept;

// Whether the calling process is the one that this copy of the heap belongs to: the child of a vfork shares its parent's.
[[nodiscard]] bool is_own_process() noexcept;

// The edges. Each serves one call of the family; `call` says which, for the report. They set errno as the standard says. Where
// the process outlives a fault: a release does nothing, realloc gives null and EINVAL, and a size is 0, of what is no block; a
// damaged block that is released stays, and whatever else a call can do in spite of a fault is done.
void* serve(std::size_t size, std::size_t alignment, Kind kind, const Call& call) noexcept;
void* serve_zeroed(std::size_t count, std::size_t size, const Call& call) noexcept;
void* serve_again(void* block, std::size_t size, const Call& call) noexcept;
void take_back(void* block, const Release& how, const Call& call) noexcept;
std::size_t size_of(const void* block, const Call& call) noexcept;

// The common cases of two of them, inlined. Null, false: nothing was done, as always where stacks are kept of every call,
// or bytes marked.
[[gnu::always_inline]] inline void* serve_hot(std::size_t size, Kind kind) noexcept {
  if constexpr (kPolicy.histories == HistoriesOf::all || kMarksBytes) return nullptr;
  return heap_of_process.allocate_hot(size, kind);
}
[[gnu::always_inline]] inline bool take_back_hot(void* block, const Release& how) noexcept {
  if constexpr (kPolicy.histories == HistoriesOf::all || kMarksBytes) return false;
  return heap_of_process.deallocate_hot(block, how);
}
// The next to it, which another thread's block is.
[[gnu::always_inline]] inline bool take_back_away(void* block, const Release& how) noexcept {
  if constexpr (kPolicy.histories == HistoriesOf::all || kMarksBytes) return false;
  return heap_of_process.deallocate_away(block, how);
}

}  // namespace trestle

// The call that is being served, for the report.
#define TRESTLE_CALL(function, argument) \
  ::trestle::Call { function, argument, ::trestle::kPolicy.name, TRESTLE_CALL_SITE }
