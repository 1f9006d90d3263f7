//: options abort=0
//: told fast hardened debug: double free in free
//: told fast hardened debug: double free in free
//: summary faults=70
//: err trestle: 68 more faults without a report: 68 where one was reported before, 0 above reports_per_minute
// One report of each place in the program, however often it is met, and from whatever thread.
#include <pthread.h>

#include "support.h"

enum { THREADS = 8, TIMES = 8 };

static void* block;

__attribute__((noinline)) static void free_again(void) { free(hidden(block)); }
static void* free_again_and_again(void* unused) {
  for (volatile int i = 0; i < TIMES; ++i) free_again();
  return unused;
}

int main(void) {
  block = hidden(malloc(100));
  free(hidden(block));
  for (volatile int i = 0; i < 6; ++i) free_again();
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; ++i) must(pthread_create(&threads[i], NULL, free_again_and_again, NULL) == 0);
  for (int i = 0; i < THREADS; ++i) must(pthread_join(threads[i], NULL) == 0);
  return ok();
}
