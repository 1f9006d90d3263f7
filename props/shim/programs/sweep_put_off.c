//: options sweep=1
//: summaries 1
//: without fast: freed blocks do not wait for sweeps there
// Where a thread does not stop now, as one that waits for the child of its vfork, a sweep is made later; no free waits
// long, however often.
#include <pthread.h>

#include "support.h"

enum { TIMES = 2, SIZE = 1000, ROUNDS = 60000, FEW = 30 << 20, BOUND = 140 << 20 };
static int begun[2];
static int ends[2];

static void* wait_for_child(void* unused) {
  char byte = 0;
  if (vfork() == 0) {
    close(ends[1]); /* so that it ends with its parent */
    if (write(begun[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1) _exit(1);
    _exit(0);
  }
  return unused;
}
static size_t waiting_after_many(void) {
  for (int i = 0; i < ROUNDS; ++i) free(hidden(malloc(SIZE)));
  struct trestle_stats stats;
  CALL(trestle_get_stats)(&stats);
  return stats.retired_bytes;
}

static void put_off(void) {
  pthread_t thread;
  char byte = 0;
  must(pthread_create(&thread, NULL, wait_for_child, NULL) == 0);
  must(read(begun[0], &byte, 1) == 1);
  const size_t waiting = waiting_after_many();
  must(waiting > FEW && waiting < BOUND);
  must(write(ends[1], &byte, 1) == 1);
  must(pthread_join(thread, NULL) == 0);
  must(waiting_after_many() < FEW);
}

int main(void) {
  must(pipe(begun) == 0 && pipe(ends) == 0);
  for (int i = 0; i < TIMES; ++i) put_off();
  return ok();
}
