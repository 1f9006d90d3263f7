//: options sweep=1
//: without fast: freed blocks do not wait for sweeps there
// A freed block is not used again while a pointer to it is left, however many come and go; and those that none leads to
// are, so that what waits stays bounded.
#include "support.h"

enum { SIZE = 1000, ROUNDS = 300000, BOUND = 50 << 20 };
static char* kept; /* where a block was */

__attribute__((noinline)) static void keep_freed(void) {
  kept = hidden(malloc(SIZE));
  free(kept);
}
__attribute__((noinline)) static int comes_back(void) {
  int found = 0;
  for (int i = 0; i < ROUNDS; ++i) {
    char* const block = hidden(malloc(SIZE));
    found += block == kept;
    free(block);
  }
  return found;
}

int main(void) {
  keep_freed();
  must(comes_back() == 0);
  struct trestle_stats stats;
  CALL(trestle_get_stats)(&stats);
  must(stats.retired_bytes != 0 && stats.retired_bytes < BOUND);
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  return ok();
}
