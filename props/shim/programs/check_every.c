//: options check_every=10
// check_every=10 checks at every tenth call.
#include "support.h"

static uint64_t checks(void) {
  struct trestle_stats stats;
  CALL(trestle_get_stats)(&stats);
  return stats.checks;
}

int main(void) {
  const uint64_t before = checks();
  for (int i = 0; i < 100; ++i) free(malloc(100));
  must(checks() == before + 20);
  return ok();
}
