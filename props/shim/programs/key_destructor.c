// malloc and free work in the destructors of a thread's keys, also in the last round of them.
#include <limits.h>
#include <pthread.h>

#include "support.h"

static pthread_key_t key;
static int rounds;

static void destroy(void* block) {
  free(block);
  char* const next = malloc(500);
  memset(next, 1, 500);
  if (++rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
    must(pthread_setspecific(key, next) == 0);
  } else {
    free(next);
  }
}

static void* work(void* unused) {
  must(pthread_setspecific(key, malloc(100)) == 0);
  return unused;
}

int main(void) {
  pthread_t thread;
  must(pthread_key_create(&key, destroy) == 0);
  must(pthread_create(&thread, NULL, work, NULL) == 0 && pthread_join(thread, NULL) == 0);
  must(rounds == PTHREAD_DESTRUCTOR_ITERATIONS);
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  return ok();
}
