//: options abort=0
//: told debug: write after free in trestle_collect
//: summary faults=null
//: err trestle: [0-9]+ more faults without a report: [0-9]+ where one was reported before, 0 above reports_per_minute
//: without fast hardened: small blocks do not wait there
// Freed blocks that were written to are mended, told as one site, and collected with the others, by one call.
#include "support.h"

enum { MANY = 10, SIZE = 100 };
static uintptr_t addresses[MANY]; /* inverted, so that no pointer leads there */

__attribute__((noinline)) static void free_many(void) {
  char* blocks[MANY];
  for (int i = 0; i < MANY; ++i) blocks[i] = hidden(malloc(SIZE));
  for (int i = 0; i < MANY; ++i) {
    addresses[i] = ~(uintptr_t)blocks[i];
    free(blocks[i]);
  }
}
__attribute__((noinline)) static void damage(void) {
  for (int i = 0; i < MANY; ++i) ((volatile char*)~addresses[i])[40] ^= 1;
}

int main(void) {
  forget();
  must(CALL(trestle_collect)() != SIZE_MAX);
  free_many();
  damage();
  forget();
  const size_t collected = CALL(trestle_collect)();
  must(collected > MANY / 2); /* a word may look like a pointer */
  return ok();
}
