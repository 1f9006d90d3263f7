//: fault fast hardened debug: not a block in free(GIVEN)
// An address of the heap's at which there never was a block.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(100));
  give(block + (1 << 30));
  free(hidden(block + (1 << 30)));
  return ok();
}
