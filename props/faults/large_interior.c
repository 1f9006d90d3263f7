//: fault fast hardened debug: interior pointer in free(GIVEN)
// A pointer into a large block.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(1000000));
  give(block + 500000);
  about_large(block, 1000000);
  free(hidden(block + 500000));
  return ok();
}
