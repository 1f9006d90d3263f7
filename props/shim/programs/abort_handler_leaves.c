// A handler of SIGABRT that leaves by a jump is called for each fault anew, as it would be for each call of abort, also in a
// thread that blocks all signals. It is this program once more, with an argument.
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

#include "support.h"

enum { FAULTS = 12 };
static sigjmp_buf back;
static volatile int left;
static void leave(int number) {
  (void)number;
  ++left;
  siglongjmp(back, 1);
}

static void* do_wrong(void* unused) {
  for (volatile int i = 0; i < FAULTS; ++i) {
    if (sigsetjmp(back, 1) != 0) continue;
    void* const block = hidden(malloc(50));
    free(hidden(block));
    free(hidden(block));
    _exit(3);
  }
  return unused;
}
static void* do_wrong_undisturbed(void* unused) {
  sigset_t all;
  sigfillset(&all);
  must(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
  return do_wrong(unused);
}

static int live(void) {
  const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  must(null >= 0 && dup2(null, STDERR_FILENO) >= 0);
  must(signal(SIGABRT, leave) != SIG_ERR);
  (void)do_wrong(NULL);
  pthread_t thread;
  must(pthread_create(&thread, NULL, do_wrong_undisturbed, NULL) == 0);
  must(pthread_join(thread, NULL) == 0);
  return left == 2 * FAULTS ? 0 : 4;
}

int main(int count, char** words) {
  (void)words;
  if (count > 1) return live();
  const pid_t child = fork();
  must(child >= 0);
  if (child == 0) {
    must(setenv("TRESTLE_OPTIONS", "symbolizer=none:sample=0", 1) == 0);
    execl("/proc/self/exe", "abort_handler_leaves", "child", NULL);
    _exit(5);
  }
  int status = 0;
  must(waitpid(child, &status, 0) == child);
  if (status != 0) print(STDERR_FILENO, "the child's status: 0x%x\n", (unsigned)status);
  must(status == 0);
  return ok();
}
