// A C program that is linked with the static library runs on it, libc's own allocations included.
#include <malloc.h>

#include "support.h"

struct search {
  const void* block;
  int found;
};

static int look(const struct trestle_block* at, void* context) {
  struct search* const search = context;
  if (at->address == search->block) search->found = at->state == TRESTLE_BLOCK_LIVE;
  return 0;
}

static int is_ours(const void* block) {
  struct search search = {block, 0};
  trestle_walk(look, &search);
  return search.found;
}

int main(void) {
  void* const block = malloc(1001);
  char* const copy = strdup("allocated by libc");
  must(malloc_usable_size(block) == usable(1001) && trestle_malloc_usable_size(block) == usable(1001));
  must(is_ours(block) && is_ours(copy));
  must(trestle_malloc_usable_size(copy) == usable(sizeof "allocated by libc"));
  trestle_free(block);
  must(!is_ours(block));
  free(copy);
  must(trestle_heap_check(NULL, 0) == 0);
  return ok();
}
