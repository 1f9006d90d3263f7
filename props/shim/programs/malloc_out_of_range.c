// Above PTRDIFF_MAX and where a product overflows: null and ENOMEM, and the block given to realloc stays.
#include <errno.h>
#include <malloc.h>

#include "support.h"

#define must_fail(call)    \
  do {                     \
    errno = 0;             \
    must((call) == NULL);  \
    must(errno == ENOMEM); \
  } while (0)

int main(void) {
  const size_t huge = hidden_size((size_t)PTRDIFF_MAX + 1);
  const size_t half = hidden_size(SIZE_MAX / 2 + 2);
  char* const block = hidden(malloc(10));
  strcpy(block, "unchanged");
  must_fail(malloc(huge));
  must_fail(malloc(hidden_size(SIZE_MAX)));
  must_fail(calloc(half, 2));
  must_fail(calloc(2, half));
  must_fail(calloc(1, huge));
  must_fail(realloc(hidden(block), huge));
  must_fail(realloc(NULL, huge));
  must_fail(reallocarray(hidden(block), half, 2));
  must_fail(reallocarray(hidden(block), 1, huge));
  must_fail(aligned_alloc(64, huge));
  must_fail(memalign(64, huge));
  must_fail(valloc(huge));
  must_fail(pvalloc(huge));
  must_fail(pvalloc(hidden_size(SIZE_MAX)));
  void* kept = block;
  must(posix_memalign(&kept, 64, huge) == ENOMEM);
  must(kept == block);
  must(strcmp(block, "unchanged") == 0);
  must(malloc_usable_size(block) == usable(10));
  free(block);
  return ok();
}
