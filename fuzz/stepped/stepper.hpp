// A few threads of which one runs at a time, a step at a time, in an order that its caller decides: the same order each time.
// They are fibers of the calling thread. Not thread-safe; one run at a time in a process.
//   a step: a wait, a call of step(), or an access, of an atomic or of what clang compiled for it (trace-loads, trace-stores), to a
//   word that another thread has accessed before. Between two steps nobody else runs
//   the running thread goes on until it ends, sleeps, passes on, or a preemption is due that it has been given
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trestle::stepped {

inline constexpr std::size_t kMostThreads = 4;

// Before a step of a thread: it may be another's turn first. Outside of a run nothing.
void step() noexcept;
// Before an access of the word there: a step iff another thread has accessed it before. None on the thread's own stack.
void step_to(const void* at) noexcept;
// From now on the running thread's access of that number, 0 being the next, whoever else has accessed the word, comes after
// handle(context) in the same thread, as a signal's handler would; once. Null: none does.
void interrupt_at(std::uint64_t access, void (*handle)(void* context), void* context) noexcept;
// That thread never goes on, wherever it stands. Not the running one.
void lose(std::size_t thread) noexcept;
// The running thread never goes on. Does not return.
[[noreturn]] void lose_self() noexcept;
// The running thread lets the others go first.
void pass_on() noexcept;
// The running thread's preemptions from now on, in place of those that are left: after so many steps of its own the next that can
// goes on, and so forth. They are read until then.
void preempt_after(std::span<const std::uint32_t> steps) noexcept;
// Whether one is left.
[[nodiscard]] bool is_preemption_left() noexcept;
// Until somebody wakes who sleeps on that place, which nobody need do: then a run ends as a deadlock.
void sleep_on(const void* place) noexcept;
// The one that has slept there for longest.
void wake_one(const void* place) noexcept;
// The name of the thread that runs; outside of a run, that of the caller. Even, and not 0.
[[nodiscard]] std::uint64_t self() noexcept;
// The run ends here, for all threads: they are left as they are. Does not return; within a run only.
[[noreturn]] void end_run() noexcept;

enum class Ending : std::uint8_t {
  done,      // all bodies returned
  ended,     // by end_run
  deadlock,  // all that were left slept
  endless,   // more than `most_steps`
};

struct Run {
  std::size_t threads = 1;  // 1 to kMostThreads
  std::uint64_t most_steps = 1 << 20;
  void (*body)(void* context, std::size_t thread) = nullptr;
  // Called in no thread's turn whenever another goes on than did before, and at the first. Its steps are none.
  void (*turned)(void* context, std::size_t thread) = nullptr;
  void* context = nullptr;
};

struct Ended {
  Ending how = Ending::done;
  std::uint64_t steps = 0;
  std::uint64_t turns = 0;
};

// Throws std::bad_alloc where there is no memory for stacks.
[[nodiscard]] Ended run(const Run& run);

// While one lives, its thread's steps are none: what the harness does between a thread's calls.
class Unstepped {
 public:
  Unstepped() noexcept;
  ~Unstepped() noexcept;
  Unstepped(const Unstepped&) = delete;
  Unstepped& operator=(const Unstepped&) = delete;

 private:
  bool before_;
};
// Within that, they are steps again.
class Stepped {
 public:
  Stepped() noexcept;
  ~Stepped() noexcept;
  Stepped(const Stepped&) = delete;
  Stepped& operator=(const Stepped&) = delete;

 private:
  bool before_;
};

}  // namespace trestle::stepped
