// Runs a program under the preloaded library while the system refuses its calls:
//
//   refused_calls all            each sweep, but of its numbers every so many
//   refused_calls every SWEEP... these sweeps with all their numbers
//   refused_calls one SWEEP NUMBER
//
// A sweep refuses, in a run of its own, the first call of its kind, then the second, and so on until a run comes to its end
// before its number is reached. Afterwards nothing is refused any more, and everything has to be served again. Of a run that
// fails it tells the words that make it once more.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <cinttypes>
#include <span>
#include <string_view>

#include "broad.hpp"
#include "limits.hpp"
#include "refusals.hpp"
#include "support.h"

using namespace outside;

namespace {

constexpr std::uint64_t kForGood = UINT64_MAX;
constexpr unsigned kPatience = 60;  // seconds for one run, which takes milliseconds
constexpr int kNothingRefused = 3;  // a run's status where its number was not reached

struct Sweep {
  const char* name;
  std::uint32_t calls;
  int error;
  std::uint64_t count;
  std::uint64_t stride = 1;
  bool loses_target = false;
  bool from_start = false;  // of the process, which is started anew for each run; else of the program's own calls
};
constexpr Sweep kSweeps[] = {
    {.name = "memory", .calls = kMemory, .error = ENOMEM, .count = 1, .stride = 5},
    {.name = "memory_for_a_while", .calls = kMemory, .error = ENOMEM, .count = 25, .stride = 17},
    {.name = "memory_for_good", .calls = kMemory, .error = ENOMEM, .count = kForGood, .stride = 19},
    {.name = "memory_again", .calls = kMemory, .error = EAGAIN, .count = 1, .stride = 31},
    {.name = "advice_unknown", .calls = only(Call::madvise), .error = EINVAL, .count = 1, .stride = 11},
    {.name = "advice_unknown_for_good", .calls = only(Call::madvise), .error = EINVAL, .count = kForGood, .stride = 23},
    {.name = "move", .calls = only(Call::mremap), .error = ENOMEM, .count = 1, .loses_target = true},
    {.name = "others", .calls = kOthers, .error = EPERM, .count = 1, .stride = 23},
    {.name = "others_for_good", .calls = kOthers, .error = ENOSYS, .count = kForGood, .stride = 29},
    {.name = "start", .calls = kMemory, .error = ENOMEM, .count = 1, .from_start = true},
    {.name = "start_for_a_while", .calls = kMemory, .error = ENOMEM, .count = 25, .from_start = true},
    {.name = "start_for_good", .calls = kMemory, .error = ENOMEM, .count = kForGood, .from_start = true},
    {.name = "start_others", .calls = kOthers, .error = EPERM, .count = 1, .from_start = true},
    {.name = "start_others_for_good", .calls = kOthers, .error = ENOSYS, .count = kForGood, .from_start = true},
};

Plan plan_of(const Sweep& sweep, std::uint64_t number) {
  return {.calls = sweep.calls,
          .error = sweep.error,
          .first = number,
          .count = sweep.count,
          .loses_target = sweep.loses_target};
}

// The whole of a run, under whatever plan there is.
int live(bool can_throw) {
  alarm(kPatience);
  use_broadly({.may_fail = true, .can_throw = can_throw});
  const bool reached = refused() != 0;
  refuse_nothing();
  lift_limits();
  must_serve_all();
  return reached ? 0 : kNothingRefused;
}

// A run of the program's own calls in a child; of the process's in one that is started anew. Its status, as waitpid has it.
int run(const Sweep& sweep, std::uint64_t number) {
  char plan[128];
  (void)snprintf(plan, sizeof plan, "%" PRIu32 ":%d:%" PRIu64 ":%" PRIu64 ":%d", sweep.calls, sweep.error, number,
                 sweep.count, sweep.loses_target ? 1 : 0);
  const pid_t child = fork();
  must(child >= 0);
  if (child == 0 && sweep.from_start) {
    must(setenv(kPlanVariable, plan, 1) == 0);
    execl("/proc/self/exe", "refused_calls", "live", static_cast<char*>(nullptr));
    _exit(2);
  }
  if (child == 0) {
    refuse(plan_of(sweep, number));
    _exit(live(true));
  }
  int status = 0;
  must(waitpid(child, &status, 0) == child);
  return status;
}

bool holds(const Sweep& sweep, bool every) {
  std::uint64_t runs = 0;
  for (std::uint64_t number = 1;; number += every ? 1 : sweep.stride, ++runs) {
    const int status = run(sweep, number);
    if (WIFEXITED(status) && WEXITSTATUS(status) == kNothingRefused) break;
    if (status == 0) continue;
    print(STDERR_FILENO, "refused_calls one %s %" PRIu64 ": status 0x%x\n", sweep.name, number, (unsigned)status);
    return false;
  }
  print(STDOUT_FILENO, "%s: %" PRIu64 " runs\n", sweep.name, runs);
  if (runs == 0) print(STDERR_FILENO, "%s: the library made no such call that could be refused\n", sweep.name);
  return runs != 0;
}

bool holds(std::string_view name, bool every) {
  bool known = false;
  bool held = true;
  for (const Sweep& sweep : kSweeps) {
    if (name != "all" && name != sweep.name) continue;
    known = true;
    held = holds(sweep, every) && held;
  }
  for (const Limit& limit : kLimits) {
    if (name != "all" && name != limit.name) continue;
    known = true;
    held = holds(limit) && held;
  }
  if (!known) print(STDERR_FILENO, "%.*s is no sweep\n", static_cast<int>(name.size()), name.data());
  return known && held;
}

}  // namespace

int main(int count, char** words) {
  if (!is_preloaded()) return kNotLoaded;
  const rlimit none{0, 0};
  must(setrlimit(RLIMIT_CORE, &none) == 0);
  if (count == 2 && std::string_view(words[1]) == "live") {
    const bool has_plan = getenv(kPlanVariable) != nullptr;
    if (has_plan && refused() == 0) return kNothingRefused;  // those that come now are refused by the other sweeps
    const int status = live(false);
    return has_plan ? status : 0;
  }
  if (count == 4 && std::string_view(words[1]) == "one") {
    for (const Sweep& sweep : kSweeps) {
      if (std::string_view(words[2]) == sweep.name) return run(sweep, strtoull(words[3], nullptr, 10)) == 0 ? 0 : 1;
    }
  }
  const bool every = count > 2 && std::string_view(words[1]) == "every";
  bool held = count > 1;
  for (const char* const name : std::span(words, static_cast<std::size_t>(count)).subspan(every ? 2 : 1))
    held = holds(name, every) && held;
  return held ? ok() : 1;
}
