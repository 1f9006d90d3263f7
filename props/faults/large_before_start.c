//: fault hardened debug: write before start in free(GIVEN)
// One byte before a large block.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(1000000));
  overwrite(block - 1, 0);
  give(block);
  about_large(block, 1000000);
  free(block);
  return ok();
}
