// And is nothing under NDEBUG: it neither looks nor counts.
#include "support.h"

UNSEEN int main(void) {
  struct trestle_stats stats;
  char* const block = hidden(trestle_malloc(24));
  const char old = block[24];
  block[24] = 0;
  TRESTLE_HEAP_CHECK();
  trestle_get_stats(&stats);
  must(stats.checks == 0);
  block[24] = old;
  trestle_free(block);
  return ok();
}
