//: fault fast hardened debug: free link corrupt in malloc
// A link at the start of a free block overwritten, seen when the block is about to be used.
#include "fault.h"

static int last_free(const trestle_block* block, void* to) {
  if (block->state == TRESTLE_BLOCK_FREE) *static_cast<trestle_block*>(to) = *block;
  return 0;
}

int main() {
  must(malloc(100) != nullptr);
  trestle_block block;
  CALL(trestle_walk)(last_free, &block);
  *hidden(block.address) ^= 16;
  wrong_at(block.address);
  concerns(block.address, 0, block.served);
  return malloc(100) == nullptr ? 1 : ok();
}
