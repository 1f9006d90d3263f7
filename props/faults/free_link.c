//: fault fast hardened debug: free link corrupt in malloc
// A link at the start of a free block overwritten, seen when the block is about to be used.
#include "fault.h"

int main(void) {
  must(malloc(80000) != NULL);
  const struct trestle_block block = last_free_block();
  *hidden(block.address) ^= 16;
  wrong_at(block.address);
  concerns(block.address, 0, block.served);
  return malloc(80000) == NULL ? 1 : ok();
}
