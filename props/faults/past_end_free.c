//: fault hardened debug: write past end in free(GIVEN)
// One byte past the request, seen when the block is freed.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(24));
  overwrite(block + 24, 0);
  give(block);
  about(block, 24);
  free(block);
  return ok();
}
