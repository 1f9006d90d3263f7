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
  const struct itimerval every = {{0, 200}, {0, 200}};
  must(setitimer(ITIMER_REAL, &every, NULL) == 0);
  char* block = NULL;
  for (size_t turn = 0; signals < 200; ++turn) block = hidden(realloc(block, turn % 2 == 0 ? 100 : 1000));
  const struct itimerval never = {{0, 0}, {0, 0}};
  must(setitimer(ITIMER_REAL, &never, NULL) == 0);
  return ok();
}
