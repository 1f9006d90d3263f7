#include "shim/process_heap.hpp"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "report/history.hpp"
#include "report/symbolizer.hpp"
#include "report/text.hpp"
#include "shim/access.hpp"

namespace trestle {

constinit ProcessHeap heap_of_process;

namespace {

constexpr ProcessHeap& heap = heap_of_process;

// Where no histories are kept.
struct NoHistories {
  constexpr explicit NoHistories(std::size_t) noexcept {}
  static void begin(const void*, const CallSite&) noexcept {}
  static bool end(const void*, const CallSite&) noexcept { return false; }
  static void revive(const void*) noexcept {}
  static History of(const void*) noexcept { return {}; }
  static void keep() noexcept {}
  static void let_go() noexcept {}
  static void reset() noexcept {}
};
constexpr bool kHistoriesOfAll = kPolicy.histories == HistoriesOf::all;
constinit std::conditional_t<kPolicy.histories != HistoriesOf::nothing, Histories, NoHistories> histories{
    kHistoriesOfAll ? kMinAlignment : kGranule};

constinit Mutex start_lock;
constinit std::atomic<bool> started{false};
constinit Options options{
    .check_at_exit = kPolicy.check_at_exit, .handle_segv = kPolicy.handle_segv, .sample = kPolicy.sample};
constinit std::atomic<std::uint64_t> check_every{0};
constinit std::atomic<std::uint64_t> calls{0};
constinit std::atomic<std::uint64_t> checks{0};
constinit std::atomic<std::uint64_t> check_ns{0};
constinit std::atomic<std::uint64_t> faults{0};
constinit std::atomic<FaultKind> first_fault{FaultKind::none};
constinit std::atomic<trestle_fault_handler> handler{nullptr};
constinit std::atomic<bool> mismatch_told{false};
constinit std::atomic<int> process{0};     // the process that this copy of the heap belongs to
constinit std::atomic<bool> ended{false};  // at_exit has done its work
constinit trestle_stats inherited{};       // what the parent had done when this process was forked off

// A thread's cache goes to others when it ends, by the destructor of a key that it has set.
constinit pthread_key_t leaving{};
constinit bool has_leaving = false;
void thread_began() noexcept {
  const int kept = errno;
  if (has_leaving) pthread_setspecific(leaving, &leaving);
  errno = kept;
}
void thread_ends(void*) noexcept { heap.leave_thread(); }

bool start_once() noexcept {
  const Guard guard(start_lock);
  if (started.load(std::memory_order_relaxed)) return true;
  if (!has_leaving) has_leaving = pthread_key_create(&leaving, thread_ends) == 0;
  const bool up = heap.start({.thread_began = thread_began});
  started.store(up, std::memory_order_release);
  return up;
}

void warn_of_option(std::string_view word, std::string_view why) noexcept {
  print_line("TRESTLE_OPTIONS: ", word, ": ignored, ", why);
}

void before_fork() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS {
  start_lock.keep();
  heap.lock_all();
  histories.keep();
}
void after_fork_in_parent() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS {
  histories.let_go();
  heap.unlock_all();
  start_lock.let_go();
}
void after_fork_in_child() noexcept {
  histories.reset();
  forget_own_thread_id();
  heap.reset_locks();
  start_lock.reset();
  process.store(os::process_id(), std::memory_order_relaxed);
  if (is_up()) inherited = process_stats();
}

// Now and not in a report: by then the environment may lie in memory that is broken.
void choose_symbolizer() noexcept {
  const char* const path = options.symbolizer.data();
  if (std::string_view(path) == "none") return;
  const int kept = errno;
  if (path[0] != '\0' && access(path, X_OK) != 0) {
    warn_of_option(path, "no program that can be run");
    options.symbolizer[0] = '\0';
  }
  errno = kept;
  if (path[0] == '\0' && !find_symbolizer(options.symbolizer)) options.symbolizer[0] = '\0';
  set_symbolizer(path);
}

void set_sample() noexcept {
  if (!kPolicy.sampled && options.sample != 0) warn_of_option("sample", "this policy takes no samples");
  if (kPolicy.sampled && options.sample != 0) heap.set_sample(options.sample);
}

// Runs when the library is loaded, or before main of a program it is linked into. What was allocated before that ran under
// the defaults; nothing that the options tune has had any effect by then.
__attribute__((constructor(101))) void set_up() noexcept {
  process.store(os::process_id(), std::memory_order_relaxed);
  if (const char* const text = secure_getenv("TRESTLE_OPTIONS")) parse_options(text, options, warn_of_option);
  choose_symbolizer();
  set_json_reports(options.json.data());
  if (start_once()) {
    heap.set_decay(options.decay_ms);
    heap.set_dirty_bytes(options.dirty_bytes);
    set_sample();
  }
  if (options.handle_segv) handle_refused_accesses();
  check_every.store(options.check_every, std::memory_order_relaxed);
  if (options.check_every != 0) heap.set_hot(false);  // each call is counted
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

__attribute__((destructor(101))) void tear_down() noexcept { at_exit(); }

void write_summary() noexcept {
  if (options.summary[0] == '\0') return;
  const trestle_stats all = process_stats();
  const auto since = [](std::uint64_t now, std::uint64_t then) { return now > then ? now - then : 0; };
  Text<512> line;
  line.add("{\"pid\":").add(static_cast<std::uint64_t>(os::process_id())).add(",\"policy\":\"").add(kPolicy.name);
  line.add("\",\"allocations\":").add(since(all.allocations, inherited.allocations));
  line.add(",\"deallocations\":").add(since(all.deallocations, inherited.deallocations));
  line.add(",\"peak_live_bytes\":").add(all.peak_live_bytes).add(",\"peak_rss_bytes\":").add(os::peak_rss_bytes());
  line.add(",\"checks\":").add(since(all.checks, inherited.checks));
  line.add(",\"check_nanoseconds\":").add(since(all.check_nanoseconds, inherited.check_nanoseconds));
  line.add(",\"faults\":").add(since(all.faults, inherited.faults));
  line.add(",\"fault\":\"").add(all.faults != 0 ? traits_of(first_fault).name : "").add("\"}\n");
  if (!os::append_to_file(options.summary.data(), line.chars())) {
    print_line("cannot append the summary to ", options.summary.data());
  }
}

// The summary names the first one.
void name_first(FaultKind kind) noexcept {
  FaultKind unnamed = FaultKind::none;
  first_fault.compare_exchange_strong(unnamed, kind, std::memory_order_relaxed);
}
void note_fault(FaultKind kind) noexcept {
  name_first(kind);
  faults.fetch_add(1, std::memory_order_relaxed);
}

// The faults of a check that nobody asked for by a call: all are printed, the first one ends the process.
void check_or_die(const Call& call) noexcept {
  constexpr std::size_t kShown = 8;
  std::array<Fault, kShown> found{};
  FaultSink sink(found.data(), found.size());
  check_process_heap(sink);
  const std::size_t count = sink.count();
  if (count == 0) return;
  name_first(found[0].kind);
  for (std::size_t i = 1; i < std::min(count, kShown); ++i) {
    note_fault(found[i].kind);
    std::ignore = tell(found[i], call, Severity::fatal);
  }
  die(found[0], call);
}

void* out_of_memory() noexcept {
  errno = ENOMEM;
  return nullptr;
}

// A block that was handed out, as far as such have a history.
void* noted(const Allocation& made, const Call& call) noexcept {
  if (kHistoriesOfAll || made.is_alone) histories.begin(made.payload, call.site);
  return made.payload;
}

void* hand_out(const Allocation& made, const Call& call) noexcept {
  if (made.is_fault()) [[unlikely]]
    die(made.verdict(), call.argument != nullptr ? call.argument : made.payload, call);
  return made.payload != nullptr ? noted(made, call) : out_of_memory();
}

// The history says so before: once the heap has it back, the block may be another's.
Verdict release(void* block, const Release& how, const Call& call) noexcept {
  const bool is_first = histories.end(block, call.site);
  const Verdict verdict = heap.deallocate(block, how);
  if (verdict.is_fault() && is_first) [[unlikely]]
    histories.revive(block);
  return verdict;
}

}  // namespace

bool is_started() noexcept { return started.load(std::memory_order_acquire); }
bool is_up() noexcept { return is_started() || start_once(); }

void tick(const Call& call) noexcept {
  const std::uint64_t every = check_every.load(std::memory_order_relaxed);
  if (every == 0) [[likely]]
    return;
  if ((calls.fetch_add(1, std::memory_order_relaxed) + 1) % every == 0) check_or_die(call);
}

// Of a fault without a block the history is that of the last one that began there.
bool tell(const Fault& fault, const Call& call, Severity severity) noexcept {
  const void* const block = fault.block != nullptr ? fault.block : fault.address;
  const bool is_known = kHistoriesOfAll || (!heap.is_entered_by_caller() && heap.is_alone(block));
  const History history = is_known ? histories.of(block) : History{};
  return print_report(fault, heap.offset_of(fault.address), call, severity, history);
}

void die(const Fault& fault, const Call& call) noexcept {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);  // the end is that of the process
  note_fault(fault.kind);
  if (!tell(fault, call, Severity::fatal)) abort();  // a fault inside the report ends it
  if (const trestle_fault_handler set = handler.load(std::memory_order_acquire)) {
    const trestle_fault published = publish(fault, heap.offset_of(fault.address));
    set(&published);
  }
  // In the child of vfork this memory is still the parent's, whose summary is to come.
  if (process.load(std::memory_order_relaxed) == os::process_id() && !ended.exchange(true)) write_summary();
  abort();
}

void die(const Verdict& verdict, const void* given, const Call& call) noexcept {
  die(heap.is_entered_by_caller() ? Fault{.kind = verdict.kind, .address = verdict.at} : heap.explain(verdict, given),
      call);
}

void check_process_heap(FaultSink& sink) noexcept {
  if (!is_up() || heap.is_entered_by_caller()) return;
  const std::uint64_t begun = os::now_ns();
  heap.check(CheckLevel::full, sink);
  check_ns.fetch_add(os::now_ns() - begun, std::memory_order_relaxed);
  checks.fetch_add(1, std::memory_order_relaxed);
}

trestle_stats process_stats() noexcept {
  trestle_stats all{};
  if (is_up() && !heap.is_entered_by_caller()) all = heap.stats();
  all.checks = checks.load(std::memory_order_relaxed);
  all.check_nanoseconds = check_ns.load(std::memory_order_relaxed);
  all.faults = faults.load(std::memory_order_relaxed);
  return all;
}

trestle_fault_handler set_fault_handler(trestle_fault_handler set) noexcept {
  return handler.exchange(set, std::memory_order_acq_rel);
}

void at_exit() noexcept {
  // In the child of vfork this memory is still the parent's: its end is not the end of this heap.
  if (process.load(std::memory_order_relaxed) != os::process_id() || ended.exchange(true)) return;
  if (options.check_at_exit) {
    ended.store(false);  // so that a fault found now leaves its line
    check_or_die(TRESTLE_CALL("the check at exit", nullptr));
    ended.store(true);
  }
  write_summary();
}

void* serve(std::size_t size, std::size_t alignment, Kind kind, const Call& call) noexcept {
  // Under the other policies the edge has tried, which has no site to note.
  if (kHistoriesOfAll && alignment <= kMinAlignment) {
    if (void* const made = heap.allocate_hot(size, kind)) [[likely]]
      return noted({made}, call);
  }
  if (!is_up()) [[unlikely]]
    return out_of_memory();
  tick(call);
  return hand_out(heap.allocate(size, std::max(alignment, kMinAlignment), kind), call);
}

void* serve_zeroed(std::size_t count, std::size_t size, const Call& call) noexcept {
  const std::optional<std::size_t> bytes = checked_multiply(count, size);
  if (bytes) [[likely]] {
    if (void* const made = heap.allocate_zeroed_hot(*bytes, Kind::by_malloc)) return noted({made}, call);
  }
  if (!bytes || !is_up()) [[unlikely]]
    return out_of_memory();
  tick(call);
  return hand_out(heap.allocate_zeroed(*bytes, Kind::by_malloc), call);
}

void* serve_again(void* block, std::size_t size, const Call& call) noexcept {
  if (block == nullptr) {
    if (void* const made = serve_hot(size, Kind::by_malloc)) return made;
    return serve(size, kMinAlignment, Kind::by_malloc, call);
  }
  if (!is_up()) [[unlikely]]
    return out_of_memory();
  tick(call);
  const bool is_first = histories.end(block, call.site);
  const Allocation made = heap.reallocate(block, size);
  if ((made.payload == nullptr || made.is_fault()) && is_first) [[unlikely]]
    histories.revive(block);
  return hand_out(made, call);
}

void take_back(void* block, const Release& how, const Call& call) noexcept {
  if (block == nullptr) return;
  if (!is_up()) [[unlikely]]
    die(Fault{.kind = FaultKind::wild_pointer, .address = block}, call);
  tick(call);
  Verdict verdict = release(block, how, call);
  if (!verdict.is_fault()) [[likely]]
    return;
  if (verdict.kind == FaultKind::kind_mismatch && !kPolicy.kind_fatal) {
    if (!mismatch_told.exchange(true)) {
      note_fault(verdict.kind);
      std::ignore = tell(heap.explain(verdict, block), call, Severity::warning);
    }
    Release unchecked = how;
    unchecked.kind = Kind::none;
    verdict = release(block, unchecked, call);
    if (!verdict.is_fault()) return;
  }
  die(verdict, block, call);
}

std::size_t size_of(const void* block, const Call& call) noexcept {
  if (block == nullptr) return 0;
  if (!is_up()) [[unlikely]]
    die(Fault{.kind = FaultKind::wild_pointer, .address = block}, call);
  const Sized sized = heap.usable_size(block);
  if (sized.is_fault()) [[unlikely]]
    die(Verdict{sized.kind, block}, block, call);
  return sized.bytes;
}

}  // namespace trestle
