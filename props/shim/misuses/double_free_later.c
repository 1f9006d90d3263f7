//: fault fast hardened debug: double free in free(GIVEN)
// The same block freed twice, with a thousand other calls in between. Its neighbours live, so that it stays one block.
#include "support.h"

int main(void) {
  char* blocks[64];
  for (int i = 0; i < 64; ++i) blocks[i] = malloc(100);
  char* const block = hidden(blocks[40]);
  give(block);
  free(block);
  for (int i = 0; i < 500; ++i) free(malloc(4000));
  free(hidden(block));
  return ok();
}
