//: killed fast: SEGV
//: fault hardened debug: access after free in a read
// A freed large block is inaccessible, where the policy makes it so; under the fast one this program ends itself the same way.
#include <signal.h>

#include "fault.h"

int main(void) {
  enum { SIZE = 1000000 / 4096 * 4096 };
  volatile char* const block = hidden(malloc(SIZE));
  if (!is_fast()) {
    wrong_at((const char*)block + 500000);
    concerns((const char*)block, SIZE, SIZE);
  }
  free((void*)block);
  if (is_fast()) return ok() + raise(SIGSEGV);
  return block[500000];
}
