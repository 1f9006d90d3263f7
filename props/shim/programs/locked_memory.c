// Locked memory can neither be dropped nor guarded: calloc is zero all the same.
#include <sys/mman.h>

#include "support.h"

int main(void) {
  enum { size = 1 << 20, rounds = 40 };
  for (int i = 0; i < rounds; ++i) {
    char* const block = hidden(malloc(size));
    must(block != NULL);
    mlock(block, size);
    memset(block, 0xAB, size);
    free(block);
    const char* const zeroed = hidden(calloc(1, size - 5000));
    must(zeroed != NULL);
    for (size_t at = 0; at < size - 5000; ++at) must(zeroed[at] == 0);
    free((void*)(uintptr_t)zeroed);
  }
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  return ok();
}
