//: fault fast hardened debug: footer corrupt in malloc
// The size at the end of a free block overwritten, seen when the block is about to be used.
#include "fault.h"

static int last_free(const trestle_block* block, void* to) {
  if (block->state == TRESTLE_BLOCK_FREE) *static_cast<trestle_block*>(to) = *block;
  return 0;
}

int main() {
  must(malloc(100) != nullptr);
  trestle_block block;
  CALL(trestle_walk)(last_free, &block);
  char* const footer = hidden(block.address) + block.served - 16;
  *footer ^= 16;
  wrong_at(footer);
  concerns(block.address, 0, block.served);
  return malloc(100) == nullptr ? 1 : ok();
}
