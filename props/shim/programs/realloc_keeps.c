// realloc keeps what fits, in place or moved, from any size to any other; of null it is malloc; to 0 it gives an empty block.
#include <malloc.h>

#include "support.h"

static unsigned char mark(size_t i) { return (unsigned char)(i * 7 + i / 251); }

int main(void) {
  static const size_t sizes[] = {1, 15, 16, 17, 100, 1000, 5000, 100000, 262144, 262145, 1000000, 5000000};
  enum { count = sizeof sizes / sizeof *sizes };
  for (size_t from = 0; from < count; ++from) {
    for (size_t to = 0; to < count; ++to) {
      unsigned char* block = realloc(NULL, sizes[from]);
      for (size_t i = 0; i < sizes[from]; ++i) block[i] = mark(i);
      block = realloc(block, sizes[to]);
      must(malloc_usable_size(block) == usable(sizes[to]));
      for (size_t i = 0; i < sizes[from] && i < sizes[to]; ++i) must(block[i] == mark(i));
      free(block);
    }
  }
  void* const empty = realloc(malloc(100), 0);
  must(empty != NULL && malloc_usable_size(empty) == 0);
  free(empty);
  int* const array = reallocarray(NULL, 10, sizeof(int));
  must(malloc_usable_size(array) == usable(10 * sizeof(int)));
  free(array);
  return ok();
}
