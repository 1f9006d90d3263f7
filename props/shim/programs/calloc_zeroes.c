// calloc zeroes all of it, also where the memory was used before.

#include "support.h"

static void use(size_t size) {
  for (int round = 0; round < 3; ++round) {
    unsigned char* const block = calloc(size, 1);
    for (size_t i = 0; i < size; ++i) must(block[i] == 0);
    memset(block, 0xee, size);
    free(block);
  }
}

int main(void) {
  for (int pass = 0; pass < 300; ++pass) use((size_t)pass * 7);
  for (size_t size = 3000; size < (size_t)3 << 20; size = size * 3 / 2) use(size);
  return ok();
}
