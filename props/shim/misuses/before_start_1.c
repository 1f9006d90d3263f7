//: fault fast hardened debug: header corrupt in free(GIVEN)
// One byte before the block.
#include "support.h"

int main(void) {
  char* const block = hidden(malloc(100));
  block[-1] ^= 1;
  give(block);
  free(block);
  return ok();
}
