// malloc_usable_size is the request, to the byte, and 0 for null; the fast policy knows a small block's slot instead.
#include <malloc.h>

#include "support.h"

int main(void) {
  must(malloc_usable_size(NULL) == 0);
  for (size_t size = 0; size < (size_t)8 << 20; size += size / 16 + 1) {
    void* block = malloc(size);
    must(malloc_usable_size(block) == usable(size));
    block = realloc(block, size + 1);
    must(malloc_usable_size(block) == usable(size + 1));
    block = realloc(block, size / 2);
    must(malloc_usable_size(block) == usable(size / 2));
    free(block);
  }
  return ok();
}
