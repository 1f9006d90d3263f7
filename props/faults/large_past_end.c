//: fault hardened debug: write past end in free(GIVEN)
// One byte past a large request that does not end at a page's end.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(1000001));
  overwrite(block + 1000001, 0);
  give(block);
  about_large(block, 1000001);
  free(block);
  return ok();
}
