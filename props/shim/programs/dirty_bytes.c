//: options dirty_bytes=8m:decay_ms=3600000
// Free spans hold at most dirty_bytes of pages, however long they may.

#include "support.h"

int main(void) {
  enum { count = 400, bytes = 200000 };
  static char* blocks[count];
  for (int i = 0; i < count; ++i) {
    blocks[i] = malloc(bytes);
    memset(blocks[i], 1, bytes);
  }
  for (int i = 0; i < count; ++i) free(blocks[i]);
  struct trestle_stats stats;
  CALL(trestle_get_stats)(&stats);
  must(stats.dirty_span_bytes <= 8 << 20);
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  return ok();
}
