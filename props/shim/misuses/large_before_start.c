//: fault hardened debug: write before start in free(GIVEN)
// One byte before a large block.
#include "support.h"

int main(void) {
  char* const block = hidden(malloc(1000000));
  block[-1] = 0;
  give(block);
  wrong_at(block - 1);
  free(block);
  return ok();
}
