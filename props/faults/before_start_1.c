//: fault fast hardened debug: header corrupt in free(GIVEN)
// One byte before the block.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(40000));
  give(block);
  const uint64_t tag = word_at(block - 8);
  block[-1] ^= 1;
  evidence(tag, word_at(block - 8));
  concerns(block, 0, 0); /* its header tells no sizes any more */
  free(block);
  return ok();
}
