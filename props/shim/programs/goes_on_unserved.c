//: options abort=0
//: told hardened: write after free in malloc
//: told hardened: write after free in malloc
//: without fast debug: the one does not look, and the other looks later
// A freed block that is written to is served to nobody: somebody still has it.
#include "support.h"

enum { KEPT = 4000 };
static char* kept[KEPT];

__attribute__((noinline)) static void write_and_use_up(size_t size) {
  char* const block = hidden(malloc(size));
  free(block);
  block[size / 2] ^= 1;
  int served = 0;
  for (int i = 0; i < KEPT; ++i) {
    for (int j = 0; j < 20; ++j) free(hidden(malloc(size)));
    kept[i] = hidden(malloc(size));
    served += kept[i] == block;
  }
  must(served == 0);
  for (int i = 0; i < KEPT; ++i) free(kept[i]);
}

int main(void) {
  write_and_use_up(100);
  write_and_use_up(1000);
  memset(kept, 0, sizeof kept);
  forget();
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  must(CALL(trestle_leak_check)(NULL, 0) == 0); /* nor is it lost */
  return ok();
}
