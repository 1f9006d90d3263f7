//: fault fast hardened debug: header corrupt in free(GIVEN)
// Eight bytes before the block.
#include "support.h"

int main(void) {
  char* const block = hidden(malloc(100));
  for (int i = 1; i <= 8; ++i) block[-i] = 0;
  give(block);
  free(block);
  return ok();
}
