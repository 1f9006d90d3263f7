// free keeps errno, and so does every call that succeeds, whatever it asks of the system.
#include <errno.h>
#include <malloc.h>

#include "support.h"

static void use(size_t size) {
  errno = 77;
  void* block = malloc(size);
  must(block != NULL && errno == 77);
  block = realloc(block, 2 * size + 1);
  must(block != NULL && errno == 77);
  free(block);
  must(errno == 77);
  block = calloc(1, size);
  must(block != NULL && errno == 77);
  must(malloc_usable_size(block) == usable(size) && errno == 77);
  free(block);
  must(errno == 77);
  must(posix_memalign(&block, 4096, size) == 0 && errno == 77);
  free(block);
  free(NULL);
  must(errno == 77);
}

int main(void) {
  for (size_t size = 0; size < (size_t)64 << 20; size = 2 * size + 1) use(size);
  return ok();
}
