// The aligned family gives what it is asked for, up to 4 MiB; memalign rounds up to a power of two; pvalloc rounds the size.
#include <malloc.h>

#include "support.h"

static void use(void* block, size_t alignment, size_t size) {
  must(block != NULL && (uintptr_t)block % alignment == 0);
  must(malloc_usable_size(block) == usable_aligned(size, alignment));
  memset(block, 0x5a, size);
  free(block);
}

int main(void) {
  for (size_t alignment = 1; alignment <= (size_t)4 << 20; alignment *= 2) {
    for (size_t size = 0; size < (size_t)1 << 20; size = 3 * size + 1) {
      use(aligned_alloc(alignment, size), alignment, size);
      use(memalign(alignment, size), alignment, size);
      if (alignment < sizeof(void*)) continue;
      void* block = NULL;
      must(posix_memalign(&block, alignment, size) == 0);
      use(block, alignment, size);
    }
  }
  use(memalign(hidden_size(48), 100), 64, 100);
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  use(valloc(100), page, 100);
  use(pvalloc(100), page, page);
  use(pvalloc(page), page, page);
  use(pvalloc(page + 1), page, 2 * page);
  return ok();
}
