// The process's heap comes up at the first call, takes its options when the library is loaded, and goes through forks.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <string_view>

#include "base/marks.hpp"
#include "os/output.hpp"
#include "report/symbolizer.hpp"
#include "report/text.hpp"
#include "shim/access.hpp"
#include "shim/aftermath.hpp"
#include "shim/asan_report.hpp"
#include "shim/process_histories.hpp"
#include "shim/sweep.hpp"

namespace trestle {

constinit std::atomic<bool> heap_is_started{false};

namespace {

constexpr ProcessHeap& heap = heap_of_process;
constexpr Options& options = options_of_process;
constexpr ProcessHistories& histories = histories_of_process;

constinit Mutex start_lock;
constinit std::atomic<int> process{0};  // the process that this copy of the heap belongs to

// A thread's cache goes to others when it ends, by the destructor of a key that it has set.
constinit pthread_key_t leaving{};
constinit bool has_leaving = false;
void thread_began() noexcept {
  const int kept = errno;
  if (has_leaving) pthread_setspecific(leaving, &leaving);
  errno = kept;
}
// What is half done in the heap, others would wait for, and for ever. A handler of SIGABRT that comes here itself, as one that
// allocates, is the last.
[[noreturn]] void end_inside(std::string_view why) noexcept {
  static constinit std::atomic<bool> is_ending{false};
  if (is_ending.exchange(true))
    signal(SIGABRT, SIG_DFL);
  else
    print_line(why, ", which nobody can go on with");
  abort();
}
void end_reentered() noexcept {
  end_inside("malloc or free was called from inside of itself, as by a signal's handler");
}
void thread_ends(void*) noexcept {
  const OwnAccesses own;
  if (heap.is_entered_by_caller()) end_inside("a thread has ended that had left malloc or free unfinished");
  heap.leave_thread();
}

void warn_of_option(std::string_view word, std::string_view why) noexcept {
  print_line("TRESTLE_OPTIONS: ", word, ": ignored, ", why);
}

void before_fork() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS {
  const OwnAccesses own;
  start_lock.keep();
  heap.lock_all();
  histories.keep();
}
void after_fork_in_parent() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS {
  const OwnAccesses own;
  histories.let_go();
  heap.unlock_all();
  start_lock.let_go();
}
void after_fork_in_child() noexcept {
  const OwnAccesses own;
  histories.reset();
  forget_own_thread_id();
  heap.reset_locks();
  start_lock.reset();
  process.store(os::process_id(), std::memory_order_relaxed);
  begin_sweeps_of_child();
  begin_summary();
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

constinit Suppressions suppressions;
void read_suppressions() noexcept {
  const char* const path = options.leak_suppressions.data();
  if (path[0] == '\0') return;
  if (suppressions.read(path))
    set_suppressions(&suppressions);
  else
    warn_of_option(path, "no file of suppressions that can be read");
}

void set_sample() noexcept {
  if (!kPolicy.sampled && options.sample != 0) warn_of_option("sample", "this policy takes no samples");
  if (options.sample_below && options.sample == 0) warn_of_option("sample_below", "there are no samples");
  if (kPolicy.sampled && options.sample != 0) heap.set_sample(options.sample, options.samples_below());
}

// Runs when the library is loaded, or before main of a program it is linked into. What was allocated before that ran under
// the defaults; nothing that the options tune has had any effect by then.
__attribute__((constructor(101))) void set_up() noexcept {
  const OwnAccesses own;
  process.store(os::process_id(), std::memory_order_relaxed);
  os::remember_stderr();
  if (is_under_valgrind()) options.leak_check = false;  // memcheck has a search of its own
  if (const char* const text = secure_getenv("TRESTLE_OPTIONS")) parse_options(text, options, warn_of_option);
  begin_aftermath();
  if (options.unwind_tables && !follow_unwind_tables(true))
    warn_of_option("unwind_tables", "there are none on this machine");
  choose_symbolizer();
  set_json_reports(options.json.data());
  read_suppressions();
  if (is_up()) {
    heap.set_decay(options.decay_ms);
    heap.set_dirty_bytes(options.dirty_bytes);
    set_sample();
    if (options.sweep && is_under_valgrind()) warn_of_option("sweep", "the process runs under Valgrind");
    if (options.sweep && kPolicy.sweep_blocks != 0 && !is_under_valgrind()) begin_sweeps();
    if (options.sweep && kPolicy.sweep_blocks == 0)
      warn_of_option("sweep", "under this policy freed blocks do not wait for it");
  }
  if (options.handle_segv) handle_refused_accesses();
  accompany_asan_reports();
  set_check_every(options.check_every);
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

__attribute__((destructor(101))) void tear_down() noexcept {
  const os::Caller caller = os::Caller::here();
  at_exit(&caller);
}

}  // namespace

bool start_heap() noexcept {
  const Guard guard(start_lock);
  if (heap_is_started.load(std::memory_order_relaxed)) return true;
  Mutex::on_reentry(end_reentered);
  if (!has_leaving) has_leaving = pthread_key_create(&leaving, thread_ends) == 0;
  const bool up = heap.start({.thread_began = thread_began});
  // Nor is its own object the program's: the address of a span that it keeps is that of the span's first block.
  if constexpr (kTellsValgrind) {
    if (up) forbid_access(&heap, sizeof heap);
  }
  heap_is_started.store(up, std::memory_order_release);
  return up;
}

bool is_own_process() noexcept { return process.load(std::memory_order_relaxed) == os::process_id(); }

}  // namespace trestle
