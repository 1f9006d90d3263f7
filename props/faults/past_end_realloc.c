//: fault hardened debug: write past end in realloc(GIVEN)
// One byte past the request, seen by realloc.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(1001));
  overwrite(block + 1001, 0);
  give(block);
  about(block, 1001);
  return realloc(block, 2000) == NULL ? 1 : ok();
}
