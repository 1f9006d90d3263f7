//: options abort=0:check_at_exit=1
//: told fast hardened debug: double free in free
//: told fast hardened debug: double free in free
//: told fast hardened debug: double free in free
//: told fast hardened debug: interior pointer in free
//: told fast hardened debug: interior pointer in free
//: told fast hardened debug: interior pointer in free
//: told fast hardened debug: wild pointer in free
//: told fast hardened debug: stale pointer in realloc
//: told fast hardened debug: interior pointer in realloc
//: told fast hardened debug: stale pointer in malloc_usable_size
//: told hardened debug: size mismatch in free_sized
//: told hardened debug: alignment mismatch in free_aligned_sized
//: told hardened debug: write past end in free
//: told hardened debug: write past end in free
//: told hardened debug: write past end in free
//: told hardened debug: write before start in free
//: told hardened debug: write past end in realloc
//: told hardened debug: write past end in realloc
//: told hardened debug: write past end in realloc
//: told hardened debug: write past end in malloc_usable_size
// What a program meets that goes on after its faults: a free of no block does nothing, realloc gives null and EINVAL, a block
// that is damaged is kept from reuse, and the heap is sound again, as the check at the end says.
#include <errno.h>
#include <malloc.h>

#include "support.h"

#define APART __attribute__((noinline))  // so that each call is a site of its own

enum { SMALL = 24, MEDIUM = 90001, LARGE = 400001 };

void free_sized(void* block, size_t size);
void free_aligned_sized(void* block, size_t alignment, size_t size);

static size_t live_blocks(void) {
  struct trestle_stats stats;
  CALL(trestle_get_stats)(&stats);
  return stats.live_blocks;
}

APART static void free_twice(size_t size) {
  char* const block = hidden(malloc(size));
  free(block);
  const size_t before = live_blocks();
  free(hidden(block));
  must(live_blocks() == before);
}

APART static void free_inside(size_t size) {
  char* const block = hidden(malloc(size));
  memset(block, 'c', size);
  free(hidden(block + 1));
  must(block[0] == 'c' && block[size - 1] == 'c' && malloc_usable_size(block) >= size);
  free(block);
}

APART static void resize_no_block(char* given) {
  errno = 0;
  must(realloc(hidden(given), 100) == NULL && errno == EINVAL);
}

APART static void claim_falsely(void) {
  if (is_fast()) return;  // which believes it
  const size_t before = live_blocks();
  CALL(free_sized)(hidden(malloc(SMALL)), SMALL + 1);
  CALL(free_aligned_sized)(hidden(malloc(SMALL)), 4096, SMALL);
  must(live_blocks() == before);  // they are the blocks that they are
}

/* A block that was written past its end stays, with what is in it. */
APART static void free_overflown(size_t size) {
  char* const block = hidden(malloc(size));
  memset(block, 'c', size);
  block[size] ^= 1;
  const size_t before = live_blocks();
  free(hidden(block));
  must(live_blocks() == before && block[0] == 'c' && block[size - 1] == 'c');
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
}

/* One below which was written is kept from reuse, though it is the pad of the block below that is damaged. */
APART static void free_underflown(void) {
  enum { MANY = 64 };
  char* blocks[MANY];
  for (int i = 0; i < MANY; ++i) blocks[i] = hidden(malloc(40));
  for (int i = 0; i < MANY; ++i) {
    for (int j = 0; j < MANY; ++j) {
      if (blocks[j] != blocks[i] + 48 || (uintptr_t)blocks[j] % 64 == 0) continue;
      blocks[j][-1] ^= 1;
      free(hidden(blocks[j]));
      for (int k = 0; k < 5000; ++k) {
        char* const other = hidden(malloc(40));
        must(other != blocks[j]);
        free(other);
      }
      must(CALL(trestle_heap_check)(NULL, 0) == 0);
      free(blocks[i]);
      return;
    }
  }
  must(0);
}

APART static void resize_overflown(size_t size) {
  char* const block = hidden(malloc(size));
  memset(block, 'c', size);
  block[size] ^= 1;
  char* const moved = hidden(realloc(hidden(block), 2 * size));
  must(moved != NULL && moved[0] == 'c' && moved[size - 1] == 'c');
  free(moved);
}

APART static void ask_overflown(void) {
  char* const block = hidden(malloc(SMALL));
  block[SMALL] ^= 1;
  must(malloc_usable_size(block) == SMALL && malloc_usable_size(block) == SMALL);
  free(block);
}

int main(void) {
  free_twice(SMALL);
  free_twice(MEDIUM);
  free_twice(LARGE);
  free_inside(SMALL);
  free_inside(MEDIUM);
  free_inside(LARGE);
  char local[64];
  free(hidden(local));
  char* const freed = hidden(malloc(SMALL));
  free(freed);
  resize_no_block(freed);
  char* const live = hidden(malloc(SMALL));
  resize_no_block(live + 1);
  must(malloc_usable_size(hidden(freed)) == 0);
  claim_falsely();
  if (!is_fast()) {  // which has no pads
    free_overflown(SMALL);
    free_overflown(MEDIUM);
    free_overflown(LARGE);
    free_underflown();
    resize_overflown(SMALL);
    resize_overflown(MEDIUM);
    resize_overflown(LARGE);
    ask_overflown();
  }
  return ok();
}
