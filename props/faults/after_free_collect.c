//: fault debug: write after free in trestle_collect
//: without fast hardened: small blocks do not wait there
// A write to a freed block, seen when it leaves the quarantine because no pointer leads to it.
#include "fault.h"

__attribute__((noinline)) static void write_to_freed(void) {
  char* const block = hidden(malloc(100));
  free(block);
  overwrite(hidden(block) + 40, 1);
  about_freed(block, 100);
}

int main(void) {
  must(CALL(trestle_collect)() != SIZE_MAX);
  write_to_freed();
  forget();
  CALL(trestle_collect)();
  return ok();
}
