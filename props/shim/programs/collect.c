//: options check_at_exit=1
// What waits after its release and is led to by nothing is let go, and nothing else: of all sizes under debug, whose
// quarantine has them all for long, under the others of large ones.
#include "support.h"

enum { MANY = 10, LARGE = 1000000 };
static char* kept; /* where a block was */

static size_t collect(void) {
  forget();
  return CALL(trestle_collect)();
}
__attribute__((noinline)) static void free_many(size_t size) {
  char* blocks[MANY];
  for (int i = 0; i < MANY; ++i) blocks[i] = hidden(malloc(size));
  for (int i = 0; i < MANY; ++i) free(blocks[i]);
}
__attribute__((noinline)) static void keep_freed(size_t size, size_t inside) {
  char* const block = hidden(malloc(size));
  free(block);
  kept = hidden(block + inside);
}
__attribute__((noinline)) static int comes_back(size_t size, size_t inside) {
  char* blocks[4 * MANY];
  int found = 0;
  for (int i = 0; i < 4 * MANY; ++i) {
    blocks[i] = hidden(malloc(size));
    found += blocks[i] == kept - inside;
  }
  for (int i = 0; i < 4 * MANY; ++i) free(blocks[i]);
  return found;
}

__attribute__((noinline)) static void hold(size_t size, size_t inside) {
  must(collect() != SIZE_MAX);
  free_many(size);
  keep_freed(size, inside);
  const size_t first = collect();
  must(first > MANY / 2 && first <= MANY); /* a word may look like a pointer */
  must(collect() <= MANY - first);
  for (int i = 0; is_debug() && i < 2; ++i) {
    must(comes_back(size, inside) == 0);
    must(collect() != SIZE_MAX);
  }
  kept = NULL;
  must(collect() >= 1);
}

/* A pointer in a live block counts, whoever knows of that block. */
static uintptr_t tagged, address;
__attribute__((noinline)) static void keep_freed_in_hidden(void) {
  char** const holder = (char**)hidden(malloc(64));
  holder[0] = hidden(malloc(LARGE));
  free(holder[0]);
  address = ~(uintptr_t)holder[0];
  tagged = (uintptr_t)holder | (uintptr_t)1 << 60;
}
static void hold_in_hidden(void) {
  must(collect() != SIZE_MAX);
  keep_freed_in_hidden();
  must(collect() == 0);
  for (int i = 0; is_debug() && i < MANY; ++i) must((uintptr_t)hidden(malloc(LARGE)) != ~address);
  free((char*)(tagged & ~((uintptr_t)1 << 60)));
  must(collect() >= 1);
}

int main(void) {
  const size_t sizes[] = {1000000, 100, 5000, 100000};
  for (int i = 0; i < (is_debug() ? 4 : 1); ++i) {
    hold(sizes[i], 0);
    hold(sizes[i], sizes[i] / 2);
  }
  hold_in_hidden();
  return ok();
}
