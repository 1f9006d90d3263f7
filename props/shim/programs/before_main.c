// malloc works before main: in a constructor, in one of the first priority, and before any of them.
#include <malloc.h>

#include "support.h"

static void* blocks[3];

static void before_all(void) { blocks[0] = malloc(100); }
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = before_all;
__attribute__((constructor(101))) static void early(void) { blocks[1] = calloc(100, 1); }
__attribute__((constructor)) static void late(void) { blocks[2] = realloc(malloc(1000000), 100); }

int main(void) {
  for (int i = 0; i < 3; ++i) {
    must(blocks[i] != NULL && malloc_usable_size(blocks[i]) == usable(100));
    free(blocks[i]);
  }
  return ok();
}
