//: options decay_ms=0:dirty_bytes=4g
// With decay_ms=0 free spans keep no pages past the next span operation; with dirty_bytes=0 none at all (see dirty_bytes.c).

#include "support.h"

int main(void) {
  enum { bytes = 4 << 20 };
  for (int i = 0; i < 300; ++i) {
    char* const block = malloc(bytes);
    memset(block, 1, bytes);
    free(block);
  }
  struct trestle_stats stats;
  CALL(trestle_get_stats)(&stats);
  must(stats.dirty_span_bytes <= 2UL * bytes);
  return ok();
}
