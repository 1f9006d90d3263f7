//: fault fast hardened debug: double free in free(GIVEN)
// The same block freed twice, with a thousand other calls in between. Its neighbours live, so that it stays one block.
#include "fault.h"

int main(void) {
  char* blocks[64];
  for (int i = 0; i < 64; ++i) blocks[i] = malloc(100);
  char* const block = hidden(blocks[40]);
  give(block);
  print(STDOUT_FILENO, "block 0x%zx ? %zu\n", (size_t)(uintptr_t)block, served_for(100)); /* retired still, or free */
  free(block);
  for (int i = 0; i < 500; ++i) free(malloc(4000));
  free(hidden(block));
  return ok();
}
