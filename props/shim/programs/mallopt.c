// mallopt returns 1 for what it does, which is M_TRIM_THRESHOLD, and 0 for everything else.
#include <malloc.h>

#include "support.h"

static uint64_t dirty_bytes(void) {
  struct trestle_stats stats;
  CALL(trestle_get_stats)(&stats);
  return stats.dirty_span_bytes;
}

int main(void) {
  static const int refused[] = {M_MXFAST,  M_TOP_PAD,    M_MMAP_THRESHOLD, M_MMAP_MAX, M_CHECK_ACTION,
                                M_PERTURB, M_ARENA_TEST, M_ARENA_MAX,      12345};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; ++i) must(mallopt(refused[i], 1) == 0);
  must(mallopt(M_TRIM_THRESHOLD, -1) == 0);
  must(mallopt(M_TRIM_THRESHOLD, 0) == 1);
  for (int i = 0; i < 600; ++i) free(malloc(1 << 20));
  must(dirty_bytes() == 0);
  return ok();
}
