//: without debug: what was freed waits in its quarantine
// What a thread had ready for itself rests in the slabs when it has ended.
#include <pthread.h>

#include "support.h"

enum { BLOCKS = 200, SIZE = 1000, FEW = 4 * SIZE };

static void* take_and_give_back(void* unused) {
  (void)unused;
  char* blocks[BLOCKS];
  for (size_t i = 0; i < BLOCKS; ++i) must((blocks[i] = malloc(SIZE)) != NULL);
  for (size_t i = 0; i < BLOCKS; ++i) free(hidden(blocks[i]));
  return NULL;
}

/* Bytes of slabs that are neither live nor free for any thread. */
static long long kept(void) {
  struct trestle_stats stats;
  CALL(trestle_get_stats)(&stats);
  return (long long)(stats.span_bytes - stats.free_block_bytes - stats.live_bytes);
}

int main(void) {
  const long long before = kept();
  pthread_t thread;
  must(pthread_create(&thread, NULL, take_and_give_back, NULL) == 0 && pthread_join(thread, NULL) == 0);
  const long long after = kept();
  must(after - before < FEW);
  return ok();
}
