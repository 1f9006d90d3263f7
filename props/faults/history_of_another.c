//: fault fast hardened debug: double free in free(GIVEN)
// Where a large block once began a small one is freed twice: under hardened, which knows who allocated and freed the large one
// alone, that is not told.
#include "fault.h"

// More of them than wait before their reuse.
enum { LARGE = 1 << 20, LARGES = 400, MANY = 1 << 20, GRANULE = 1 << 16 };

static char* larges[LARGES];

static int begins_as_one_did(const char* small) {
  for (int i = 0; i < LARGES; ++i)
    if (small >= larges[i] && small < larges[i] + GRANULE) return 1;
  return 0;
}

int main(void) {
  for (int i = 0; i < LARGES; ++i) larges[i] = hidden(malloc(LARGE));
  for (int i = 0; i < LARGES; ++i) free(larges[i]);
  char* small = NULL;
  for (int i = 0; i < MANY && !begins_as_one_did(small); ++i) small = hidden(malloc(300));
  must(begins_as_one_did(small));
  free(small);
  give(small);
  about_freed(small, 300);
  free(hidden(small));
  return ok();
}
