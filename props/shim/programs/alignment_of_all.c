// Every block of malloc, calloc and realloc is aligned to 16 bytes, and no two blocks share an address, not even empty ones.
#include "support.h"

static void look(const void* block) { must(block != NULL && (uintptr_t)block % 16 == 0); }

int main(void) {
  static void* blocks[3000];
  for (size_t size = 0; size < 3000; ++size) {
    blocks[size] = size % 2 == 0 ? malloc(size) : calloc(size, 1);
    look(blocks[size]);
  }
  for (size_t size = 0; size < 3000; ++size) {
    blocks[size] = realloc(blocks[size], 3000 - size);
    look(blocks[size]);
  }
  for (size_t size = 0; size < 3000; ++size) free(blocks[size]);
  for (size_t size = 4000; size < (size_t)16 << 20; size += size / 3 + 1) {
    void* const block = malloc(size);
    look(block);
    free(block);
  }
  void* const first = malloc(0);
  void* const second = malloc(0);
  look(first);
  look(second);
  must(first != second);
  free(first);
  free(second);
  return ok();
}
