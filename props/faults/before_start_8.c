//: fault fast hardened debug: header corrupt in free(GIVEN)
// Eight bytes before the block.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(40000));
  give(block);
  evidence(word_at(block - 8), 0);
  concerns(block, 0, 0); /* its header tells no sizes any more */
  for (int i = 1; i <= 8; ++i) block[-i] = 0;
  free(block);
  return ok();
}
