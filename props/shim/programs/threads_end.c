// What a thread allocated stays when it ends, others may free it, and nothing is left over.
#include <pthread.h>

#include "support.h"

enum { blocks_each = 50, threads = 64 };
static char* blocks[threads][blocks_each];

static void* fill(void* row) {
  char** const mine = row;
  for (size_t i = 0; i < blocks_each; ++i) {
    mine[i] = malloc(1 + 37 * i + (i % 10 == 0 ? 300000 : 0));
    memset(mine[i], (int)i, 1 + 37 * i);
    free(malloc(i));
  }
  return NULL;
}

static void* empty(void* row) {
  char** const others = row;
  for (size_t i = 0; i < blocks_each; ++i) {
    must(others[i][0] == (char)i && others[i][37 * i] == (char)i);
    free(others[i]);
  }
  return NULL;
}

static void run(void* (*task)(void*)) {
  for (int i = 0; i < threads; i += 4) {
    pthread_t ids[4];
    for (int j = 0; j < 4; ++j) must(pthread_create(&ids[j], NULL, task, blocks[i + j]) == 0);
    for (int j = 0; j < 4; ++j) must(pthread_join(ids[j], NULL) == 0);
  }
}

static uint64_t live_bytes(void) {
  struct trestle_stats stats;
  CALL(trestle_get_stats)(&stats);
  return stats.live_bytes;
}

int main(void) {
  run(fill);
  const uint64_t full = live_bytes();
  run(empty);
  size_t mine = 0;
  for (size_t i = 0; i < blocks_each; ++i) mine += usable(1 + 37 * i + (i % 10 == 0 ? 300000 : 0));
  must(full - live_bytes() == threads * mine);
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  return ok();
}
