//: fault hardened debug: write past end in realloc(GIVEN)
// One byte past the request, seen by realloc.
#include "support.h"

int main(void) {
  char* const block = hidden(malloc(1001));
  block[1001] = 0;
  give(block);
  wrong_at(block + 1001);
  return realloc(block, 2000) == NULL ? 1 : ok();
}
