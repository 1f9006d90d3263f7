#include "shim/aftermath.hpp"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <span>

#include "base/keyed.hpp"
#include "base/marks.hpp"
#include "os/output.hpp"
#include "os/undisturbed.hpp"
#include "report/ration.hpp"
#include "report/text.hpp"
#include "shim/leaks.hpp"

namespace trestle {
namespace {

using Answer = ReportRation::Answer;

constinit std::atomic<std::uint64_t> checks{0};
constinit std::atomic<std::uint64_t> check_ns{0};
constinit std::atomic<std::uint64_t> faults{0};
constinit std::atomic<FaultKind> first_fault{FaultKind::none};
constinit std::atomic<trestle_fault_handler> handler{nullptr};
constinit std::atomic<bool> ended{false};  // at_exit has done its work
// What the parent had done when this process was forked off.
constinit trestle_stats inherited{};
constinit std::uint64_t inherited_repeated = 0;
constinit std::uint64_t inherited_too_many = 0;
constinit ReportRation ration;
constinit bool leaks_searched = false;  // at the process's end
constinit Leaked leaked{};              // what that found

std::uint64_t since(std::uint64_t now, std::uint64_t then) noexcept { return now > then ? now - then : 0; }

void write_summary() noexcept {
  if (options_of_process.summary[0] == '\0') return;
  const trestle_stats all = process_stats();
  Text<512> line;
  line.add("{\"pid\":").add(static_cast<std::uint64_t>(os::process_id())).add(",\"policy\":\"").add(kPolicy.name);
  line.add("\",\"allocations\":").add(since(all.allocations, inherited.allocations));
  line.add(",\"deallocations\":").add(since(all.deallocations, inherited.deallocations));
  line.add(",\"peak_live_bytes\":").add(all.peak_live_bytes).add(",\"peak_rss_bytes\":").add(os::peak_rss_bytes());
  line.add(",\"checks\":").add(since(all.checks, inherited.checks));
  line.add(",\"check_nanoseconds\":").add(since(all.check_nanoseconds, inherited.check_nanoseconds));
  line.add(",\"leaks_searched\":").add(std::uint64_t{leaks_searched ? 1U : 0U});
  line.add(",\"leaked_blocks\":").add(std::uint64_t{leaked.all_blocks()});
  line.add(",\"leaked_bytes\":").add(std::uint64_t{leaked.all_bytes()});
  line.add(",\"faults\":").add(since(all.faults, inherited.faults));
  line.add(",\"fault\":\"").add(all.faults != inherited.faults ? traits_of(first_fault).name : "").add("\"}\n");
  const char* const path = options_of_process.summary.data();
  const int error = os::append_to_file(path, line.chars());
  if (error != 0) print_line("cannot append the summary to ", path, ": ", os::reason_for(error));
}

// Of reports that were not printed.
[[gnu::cold]] void tell_rest() noexcept {
  const std::uint64_t repeated = since(ration.repeated(), inherited_repeated);
  const std::uint64_t too_many = since(ration.too_many(), inherited_too_many);
  if (repeated + too_many == 0) return;
  Text<160> line;
  line.add(repeated + too_many)
      .add(repeated + too_many == 1 ? " more fault" : " more faults")
      .add(" without a report: ");
  line.add(repeated).add(" where one was reported before, ");
  line.add(too_many).add(" above reports_per_minute");
  print_line(line.view());
}

bool is_blocked(int number) noexcept {
  sigset_t now;
  return pthread_sigmask(SIG_BLOCK, nullptr, &now) == 0 && sigismember(&now, number) == 1;
}

// Where a thread was about to abort, and how often since, each time further down its stack.
struct Aborting {
  std::uintptr_t at = 0;
  int depth = 0;
  bool was_blocked = false;  // SIGABRT, the first time
};
[[gnu::tls_model("initial-exec")]] thread_local constinit Aborting aborting{};

// A handler of SIGABRT that comes here by a fault of its own would be called again for that, and so on: it is the last. That it
// runs is seen by what it blocks and its program does not, or else by how often its thread was here without a way back: who left
// by a jump is further up when it comes again.
[[noreturn]] void abort_process() noexcept {
  constexpr int kMost = 4;
  const std::uintptr_t here = address_of(__builtin_frame_address(0));
  const bool blocked = is_blocked(SIGABRT);
  if (aborting.depth == 0 || here >= aborting.at) aborting = {here, 0, blocked};
  aborting.at = here;
  ++aborting.depth;
  if (aborting.depth > kMost || (blocked && !aborting.was_blocked)) signal(SIGABRT, SIG_DFL);
  abort();
}

[[noreturn]] void end() noexcept {
  const ProgramAccesses from_now_on;
  // In the child of vfork this memory is still the parent's, whose summary is to come.
  if (is_own_process() && !ended.exchange(true)) {
    tell_rest();
    write_summary();
  }
  abort_process();
}

bool surely_ends(Outlook outlook) noexcept {
  const bool is_asked = options_of_process.abort && handler.load(std::memory_order_relaxed) == nullptr;
  return outlook == Outlook::hopeless || (outlook == Outlook::as_asked && is_asked);
}

// Nobody's code runs before the process ends of it: no handler of faults, and none of SIGABRT.
bool ends_at_once(Outlook outlook) noexcept {
  struct sigaction last{};
  if (!surely_ends(outlook) || handler.load(std::memory_order_relaxed) != nullptr) return false;
  return sigaction(SIGABRT, nullptr, &last) == 0 && (last.sa_handler == SIG_DFL || last.sa_handler == SIG_IGN);
}

void name_first(FaultKind kind) noexcept {
  FaultKind unnamed = FaultKind::none;
  first_fault.compare_exchange_strong(unnamed, kind, std::memory_order_relaxed);
}

// The kind, and where: the innermost frames of the call's stack, up to the first that is no code; of a check, the address that
// it is about.
std::uint64_t site_of(FaultKind kind, const Call& call, const void* about) noexcept {
  constexpr std::size_t kTold = 8;
  const std::uint64_t hash = fold(static_cast<std::uint64_t>(kind) ^ kOdd1, address_of(about) ^ kOdd2);
  if (about != nullptr) return hash;
  std::array<const void*, kTold> frames{};
  std::uint64_t site = hash;
  for (const void* const frame : std::span(frames).first(capture_own(call.site, frames))) {
    if (place_of_code(frame).path == nullptr) break;
    site = fold(site ^ address_of(frame), kOdd1);
  }
  return site;
}

void count(FaultKind kind) noexcept {
  name_first(kind);
  faults.fetch_add(1, std::memory_order_relaxed);
}

// Where another thread keeps the room for too long there is a line of it instead.
void print(const Fault& fault, const Call& call, Outlook outlook) noexcept {
  const Severity severity = outlook == Outlook::harmless ? Severity::warning : Severity::fatal;
  if (tell(fault, call, severity) == Printed::inside) abort_process();  // a fault inside the report ends it
}

// Counts the fault, and prints its report if it is one of those that are.
Answer report(const Fault& fault, const Call& call, Outlook outlook, const void* about = nullptr) noexcept {
  count(fault.kind);
  const Answer answer =
      surely_ends(outlook) ? Answer::print : ration.ask(site_of(fault.kind, call, about), os::now_ns());
  if (answer == Answer::print) print(fault, call, outlook);
  return answer;
}

std::uint64_t offset_of(const void* at) noexcept {
  const OwnAccesses own;
  return process_heap().offset_of(at);
}

bool goes_on(const Fault& fault, Outlook outlook) noexcept {
  trestle_fault_action wanted = TRESTLE_ACTION_DEFAULT;
  if (const trestle_fault_handler set = handler.load(std::memory_order_acquire)) {
    const trestle_fault published = publish(completed(fault), offset_of(fault.address));
    const ProgramAccesses of_handler;
    wanted = set(&published);
  }
  if (outlook == Outlook::hopeless || wanted == TRESTLE_ACTION_ABORT) return false;
  return wanted == TRESTLE_ACTION_CONTINUE || outlook == Outlook::harmless || !options_of_process.abort;
}

// No process ends of a fault that was not reported.
void settle(const Fault& fault, const Call& call, Outlook outlook, Answer answer) noexcept {
  if (goes_on(fault, outlook)) return;
  ration.take_back(answer);
  if (answer != Answer::print) print(fault, call, outlook);
  end();
}

}  // namespace

void outlive(const Fault& fault, const Call& call, Outlook outlook) noexcept {
  const os::Uncancelled uncancelled;  // a fault that ends the process is not outlived because its thread was to end
  std::optional<os::Undisturbed> undisturbed;  // nor is it by a signal that came while the report was written
  if (ends_at_once(outlook)) undisturbed.emplace();
  settle(fault, call, outlook, report(fault, call, outlook));
}
bool is_counted(FaultKind kind, const Call& call, Outlook outlook) noexcept {
  const bool goes_on = outlook == Outlook::harmless || (outlook == Outlook::as_asked && !options_of_process.abort);
  if (!goes_on || handler.load(std::memory_order_relaxed) != nullptr) return false;
  if (!ration.knows(site_of(kind, call, nullptr))) return false;
  count(kind);
  return true;
}
void die(const Fault& fault, const Call& call) noexcept {
  outlive(fault, call, Outlook::hopeless);
  end();
}

void check_process_heap(FaultSink& sink) noexcept {
  const OwnAccesses own;
  if (!is_up() || process_heap().is_entered_by_caller()) return;
  const os::Undisturbed undisturbed;  // a signal's handler that allocates would change what is being looked at
  const std::uint64_t begun = os::now_ns();
  process_heap().check(CheckLevel::full, sink);
  check_ns.fetch_add(os::now_ns() - begun, std::memory_order_relaxed);
  checks.fetch_add(1, std::memory_order_relaxed);
}

Findings check_process_heap() noexcept {
  Findings found;
  FaultSink sink(found.first.data(), found.first.size());
  check_process_heap(sink);
  found.count = sink.count();
  return found;
}

// All are printed before any of them ends the process.
void outlive(const Findings& found, const Call& call) noexcept {
  const os::Uncancelled uncancelled;
  std::optional<os::Undisturbed> undisturbed;
  if (found.count != 0 && ends_at_once(Outlook::as_asked)) undisturbed.emplace();
  const std::size_t shown = std::min(found.count, found.first.size());
  if (shown != 0) name_first(found.first[0].kind);
  std::array<Answer, Findings::kShown> answers{};
  for (std::size_t i = 0; i < shown; ++i) {
    const std::size_t next = (i + 1) % shown;  // the first comes last, where people look
    answers[next] = report(found.first[next], call, Outlook::as_asked, found.first[next].address);
  }
  for (std::size_t i = 0; i < shown; ++i) settle(found.first[i], call, Outlook::as_asked, answers[i]);
}

trestle_stats process_stats() noexcept {
  const OwnAccesses own;
  trestle_stats all{};
  if (is_up() && !process_heap().is_entered_by_caller()) all = process_heap().stats();
  all.checks = checks.load(std::memory_order_relaxed);
  all.check_nanoseconds = check_ns.load(std::memory_order_relaxed);
  all.faults = faults.load(std::memory_order_relaxed);
  return all;
}

trestle_fault_handler set_fault_handler(trestle_fault_handler set) noexcept {
  return handler.exchange(set, std::memory_order_acq_rel);
}

void begin_aftermath() noexcept { ration.set_most_a_minute(options_of_process.reports_per_minute); }
void begin_summary() noexcept {
  if (is_up()) inherited = process_stats();
  inherited_repeated = ration.repeated();
  inherited_too_many = ration.too_many();
  first_fault = FaultKind::none;
}

void at_exit(const os::Caller* caller) noexcept {
  // In the child of vfork this memory is still the parent's: its end is not the end of this heap.
  if (!is_own_process() || ended.exchange(true)) return;
  const os::Uncancelled uncancelled;
  if (options_of_process.check_at_exit) {
    ended.store(false);  // so that a fault found now leaves its line
    outlive(check_process_heap(), TRESTLE_CALL("the check at exit", nullptr));
    ended.store(true);
  }
  if (caller != nullptr && options_of_process.leak_check)
    leaks_searched = report_leaks(*caller, {"the check at exit", nullptr, kPolicy.name, {}}, leaked);
  tell_rest();
  write_summary();
}

}  // namespace trestle
