// Handlers of a timer's signal allocate and free in every size, wherever they interrupt malloc, realloc and free. They are served,
// or the process says that it cannot go on: it never waits for itself for ever, and never ends otherwise. With other threads
// that wait for the interrupted one it may.
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "support.h"

enum { PROCESSES = 8, SIGNALS = 20, BLOCKS = 16, HUNG = 60 };
static const size_t sizes[] = {8, 50, 1000, 20000, 100000, 400000};
enum { KINDS = sizeof sizes / sizeof *sizes };
static volatile sig_atomic_t signals;

static void end(int status) {
  for (;;) syscall(SYS_exit_group, status);
}

static void on_signal(int number) {
  (void)number;
  char* blocks[KINDS];
  for (size_t i = 0; i < KINDS; ++i) {
    blocks[i] = hidden(malloc(sizes[i]));
    if (blocks[i] == NULL) end(4);
    blocks[i][0] = blocks[i][sizes[i] - 1] = (char)i;
  }
  for (size_t i = 0; i < KINDS; ++i) {
    if (blocks[i][0] != (char)i || blocks[i][sizes[i] - 1] != (char)i) end(5);
    free(blocks[i]);
  }
  ++signals;
}

static void use(void) {
  struct {
    char* at;
    size_t size;
  } blocks[BLOCKS] = {{NULL, 0}};
  for (size_t turn = 0; signals < SIGNALS; ++turn) {
    const size_t i = turn % BLOCKS;
    if (blocks[i].at != NULL && (blocks[i].at[0] != (char)i || blocks[i].at[blocks[i].size - 1] != (char)i)) end(6);
    blocks[i].size = sizes[turn / 3 % KINDS];
    if (turn % 2 == 0) {
      free(blocks[i].at);
      blocks[i].at = NULL;
    }
    blocks[i].at = hidden(realloc(blocks[i].at, blocks[i].size));
    if (blocks[i].at == NULL) end(7);
    blocks[i].at[0] = blocks[i].at[blocks[i].size - 1] = (char)i;
  }
}

static void live(void) {
  const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  must(null >= 0 && dup2(null, STDERR_FILENO) >= 0);  // what is said where it cannot go on
  alarm(HUNG);
  signal(SIGPROF, on_signal);
  const struct itimerval often = {{0, 500}, {0, 500}};
  must(setitimer(ITIMER_PROF, &often, NULL) == 0);  // of processor time, so that a busy machine makes no difference
  use();
  signal(SIGPROF, SIG_IGN);
  end(CALL(trestle_heap_check)(NULL, 0) == 0 ? 0 : 8);
}

int main(void) {
  for (int i = 0; i < PROCESSES; ++i) {
    const pid_t child = fork();
    must(child >= 0);
    if (child == 0) live();
    int status = 0;
    must(waitpid(child, &status, 0) == child);
    const int told = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    if (status != 0 && !told) print(STDERR_FILENO, "process %d: status 0x%x\n", i, (unsigned)status);
    must(status == 0 || told);
  }
  return ok();
}
