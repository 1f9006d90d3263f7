// A handler that interrupts the heap anywhere may ask for a check: it is refused or made, and never waits for itself.
#include <signal.h>
#include <sys/time.h>

#include "support.h"

static size_t (*check)(struct trestle_fault*, size_t);
static volatile sig_atomic_t signals;

static void on_signal(int number) {
  (void)number;
  if (check(NULL, 0) != 0) _exit(3);
  ++signals;
}

int main(void) {
  check = CALL(trestle_heap_check);
  signal(SIGALRM, on_signal);
  char* block = NULL;
  for (size_t turn = 0; signals < 1000;) {
    /* One signal at a time: where a check takes longer than the timer, the program would come to nothing else. */
    const struct itimerval once = {{0, 0}, {0, 50 + (suseconds_t)(turn % 100)}};
    const sig_atomic_t before = signals;
    must(setitimer(ITIMER_REAL, &once, NULL) == 0);
    for (; signals == before; ++turn) block = hidden(realloc(block, turn % 2 == 0 ? 100 : 1000));
  }
  return ok();
}
