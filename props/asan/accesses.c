/* One access to bytes of the heap, or what keeps memory of the sanitizer's alive: accesses FAULT SIZE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trestle/trestle.h>

static void* volatile kept; /* so that no pointer is left elsewhere, and no access left out */

static char* made(size_t size) {
  char* const block = trestle_malloc(size);
  if (block == NULL) abort();
  memset(block, 1, size);
  return block;
}
/* All that a program may do with its blocks. */
static void use(size_t size) {
  char* block = trestle_calloc(1, size);
  if (block == NULL || block[size - 1] != 0) abort();
  memset(block, 1, size);
  block = trestle_realloc(block, 2 * size);
  if (block == NULL || block[size - 1] != 1) abort();
  memset(block, 2, 2 * size);
  block = trestle_realloc(block, size / 2);
  if (block == NULL || block[0] != 2) abort();
  memset(block, 3, trestle_malloc_usable_size(block));
  trestle_free(block);
  block = trestle_aligned_alloc(256, size);
  if (block == NULL) abort();
  memset(block, 4, size);
  trestle_free(block);
}

static void misuse(const char* fault, size_t size) {
  volatile char* const block = made(size);
  kept = (void*)block;
  if (strcmp(fault, "write_past_end") == 0) block[size] = 1;
  if (strcmp(fault, "read_past_end") == 0) kept = (void*)(size_t)block[size];
  if (strcmp(fault, "write_before_start") == 0) block[-1] = 1;
  if (strcmp(fault, "fill_past_end") == 0) memset((void*)block, 1, size + 1);
  if (strcmp(fault, "write_after_shrinking") == 0) {
    volatile char* const shorter = trestle_realloc((void*)block, size - 1);
    shorter[size - 1] = 1;
  }
  if (strcmp(fault, "read_after_moving") == 0) {
    void* const next = made(size); /* no room to grow in place */
    kept = trestle_realloc((void*)block, 8 * size);
    if (kept == block) exit(3);
    kept = (void*)(size_t)block[0];
    trestle_free(next);
  }
  trestle_free((void*)block);
  if (strcmp(fault, "write_after_free") == 0) block[size / 2] = 1;
  if (strcmp(fault, "read_after_free") == 0) kept = (void*)(size_t)block[size / 2];
}

/* The sanitizer's own memory, which a block of ours leads to, or one that was freed. */
__attribute__((noinline)) static void lead_from_block(int is_freed) {
  void** const block = (void**)made(sizeof(void*));
  *block = malloc(4321);
  kept = block;
  if (is_freed) trestle_free(block);
}

int main(int count, char** words) {
  if (count != 3) return 2;
  const size_t size = strtoul(words[2], NULL, 10);
  for (int i = 0; i < 20; ++i) use(size + (size_t)i);
  if (strcmp(words[1], "none") == 0) {
    trestle_free(made(size));
  } else if (strcmp(words[1], "lead") == 0 || strcmp(words[1], "lose") == 0) {
    lead_from_block(strcmp(words[1], "lose") == 0);
  } else {
    misuse(words[1], size);
  }
  if (trestle_heap_check(NULL, 0) != 0) return 4;
  puts("ok");
  return 0;
}
