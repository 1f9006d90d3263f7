// What follows a fault: its report, the handler's answer, and the end of the process or not; and the checks and the summary,
// which tell of faults as well.
#pragma once

#include <array>

#include "os/caller.hpp"
#include "shim/process_heap.hpp"

namespace trestle {

// What the process can do once a fault is reported.
enum class Outlook : std::uint8_t {
  hopeless,  // end
  as_asked,  // go on, where the options or the handler want that
  harmless,  // go on, unless they want an end
};

// Reports the fault, and returns iff the process goes on: then as if the call had not been made. Of a site that was told before
// no more is printed, nor once the reports of a minute are used up. Ends the process by abort, with a line in the summary.
void outlive(const Fault& fault, const Call& call, Outlook outlook) noexcept;
// Whether that would do nothing but count, since the process surely goes on and the site was told before; then it is counted.
[[nodiscard]] bool is_counted(FaultKind kind, const Call& call, Outlook outlook) noexcept;
// The same as outlive where there is no going on.
[[noreturn]] void die(const Fault& fault, const Call& call) noexcept;

// A full check, counted and timed. Does not look where the caller, a signal handler, has interrupted the heap.
void check_process_heap(FaultSink& sink) noexcept;
// What one has found: how many faults, and the first of them.
struct Findings {
  static constexpr std::size_t kShown = 8;
  std::array<Fault, kShown> first{};
  std::size_t count = 0;
};
[[nodiscard]] Findings check_process_heap() noexcept;
// As outlive, of all that are shown.
void outlive(const Findings& found, const Call& call) noexcept;
[[nodiscard]] trestle_stats process_stats() noexcept;
trestle_fault_handler set_fault_handler(trestle_fault_handler handler) noexcept;

// The options are known.
[[gnu::cold]] void begin_aftermath() noexcept;
// What is done when the process ends: the check at exit, the search for leaks, and the summary, once a process. `caller`: null
// where it ends at once, and what lies around is no leak.
[[gnu::cold]] void at_exit(const os::Caller* caller = nullptr) noexcept;
// In the child of a fork: what the parent did is not in the summary.
void begin_summary() noexcept;

}  // namespace trestle
