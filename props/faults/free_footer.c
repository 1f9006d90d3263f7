//: fault fast hardened debug: footer corrupt in malloc
// The size at the end of a free block overwritten, seen when the block is about to be used.
#include "fault.h"

int main(void) {
  must(malloc(80000) != NULL);
  const struct trestle_block block = last_free_block();
  char* const footer = hidden(block.address) + block.served - 16;
  *footer ^= 16;
  wrong_at(footer);
  concerns(block.address, 0, block.served);
  return malloc(80000) == NULL ? 1 : ok();
}
