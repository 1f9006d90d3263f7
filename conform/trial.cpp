#include "trial.hpp"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "ops/foreign_host.hpp"

namespace trestle::conform {
namespace {

Outcome& shared_outcome() {
  void* const place = mmap(nullptr, sizeof(Outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) std::abort();
  return *new (place) Outcome;
}

void perform(const ops::Program& program, Outcome& outcome) {
  static ops::ForeignHost host;
  const std::optional<ops::Failure> failure = ops::run(program, host);
  std::snprintf(outcome.answers, sizeof outcome.answers, "%s", host.engine().answers().c_str());
  if (!failure) return;
  std::snprintf(outcome.detail, sizeof outcome.detail, "%s", failure->detail.c_str());
  outcome.what = failure->what;
}

// Threads that take turns need one processor, wait less for it than for two, and what a malloc keeps for each processor is then
// the same each time.
void stay_on_one_processor() {
  cpu_set_t here;
  CPU_ZERO(&here);
  const int processor = sched_getcpu();
  if (processor < 0) return;
  CPU_SET(static_cast<std::size_t>(processor), &here);
  (void)sched_setaffinity(0, sizeof here, &here);
}

std::string ending_of(int status, unsigned seconds) {
  if (!WIFSIGNALED(status)) return "ended with a status of its own";
  if (WTERMSIG(status) == SIGALRM) return kDidNotEnd + (" within " + std::to_string(seconds) + " s");
  return std::string("ended by signal ") + strsignal(WTERMSIG(status));
}

}  // namespace

Tried try_program(const ops::Program& program, unsigned seconds, AtEnd at_end, void* context) {
  static Outcome& shared = shared_outcome();
  shared = Outcome{};
  const pid_t child = fork();
  if (child < 0) return {"fork failed", shared};
  if (child == 0) {
    alarm(seconds);
    stay_on_one_processor();
    perform(program, shared);
    if (at_end != nullptr) at_end(context);
    _exit(EXIT_SUCCESS);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (shared.what != ops::Expectation::met) return {ops::name_of(shared.what), shared};
  return {status == 0 ? "" : ending_of(status, seconds), shared};
}

}  // namespace trestle::conform
