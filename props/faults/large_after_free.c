//: segv fast
//: fault hardened debug: access after free in a read
// A freed large block is inaccessible, where the policy makes it so; under the fast one this program ends itself the same way.
#include <signal.h>

#include "fault.h"

int main(void) {
  enum { SIZE = 1000000 };
  volatile char* const block = hidden(malloc(SIZE));
  if (!is_fast()) {
    wrong_at((const char*)block + 500000);
    about_large((const char*)block, SIZE);
  }
  free((void*)block);
  if (is_fast()) raise(SIGSEGV);
  return block[500000];
}
