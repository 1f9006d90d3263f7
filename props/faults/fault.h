/* What a program says of the fault it is about to provoke, so that run.py can hold the report to it. */
#ifndef TRESTLE_PROPS_FAULTS_FAULT_H
#define TRESTLE_PROPS_FAULTS_FAULT_H

#include "support.h"

/* NOLINTBEGIN(modernize-use-nullptr): for C too */

/* The start of the heap's region, by any block of it. */
static inline int say_base(const struct trestle_block* block, void* context) {
  (void)context;
  print(STDOUT_FILENO, "base 0x%zx\n", (size_t)((uintptr_t)block->address - block->heap_offset));
  return 1;
}

/* Not in a program that is linked with the library, whose symbols nobody finds by name. */
static inline void find_base(void) {
  __typeof__(&trestle_walk) const walk = (__typeof__(&trestle_walk))dlsym(RTLD_DEFAULT, "trestle_walk");
  if (walk != NULL) walk(say_base, NULL);
}

/* The pointer that a call is about to be given, and the first wrong byte where that is another. */
static inline void give(const void* given) {
  find_base();
  print(STDOUT_FILENO, "given 0x%zx\n", (size_t)(uintptr_t)given);
}
static inline void wrong_at(const void* at) {
  find_base();
  print(STDOUT_FILENO, "at 0x%zx\n", (size_t)(uintptr_t)at);
}

/* The block concerned, and its sizes: of a slot, where only a live one's canary tells the request, and debug's history; and of
   a block (16 of header, in steps of 16). */
static inline void concerns(const void* block, size_t requested, size_t served) {
  print(STDOUT_FILENO, "block 0x%zx %zu %zu\n", (size_t)(uintptr_t)block, requested, served);
}
static inline size_t served_for(size_t requested) {
  const size_t with_pad = requested + (is_fast() ? 0 : 1);
  return with_pad <= LARGEST_SLOT ? slot_for(with_pad) : (16 + with_pad + 15) / 16 * 16 - 16;
}
static inline void about(const void* block, size_t requested) {
  const int unknown = is_fast() && requested <= LARGEST_SLOT;
  concerns(block, unknown ? 0 : requested, served_for(requested));
}
static inline void about_freed(const void* block, size_t requested) {
  concerns(block, requested < LARGEST_SLOT && !is_debug() ? 0 : requested, served_for(requested));
}

static inline void evidence(uint64_t expected, uint64_t found) {
  print(STDOUT_FILENO, "evidence 0x%llx 0x%llx\n", (unsigned long long)expected, (unsigned long long)found);
}
static inline uint64_t word_at(const void* at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

/* The free block that ends what the heap has taken so far. */
static inline int note_free(const struct trestle_block* block, void* last) {
  if (block->state == TRESTLE_BLOCK_FREE) *(struct trestle_block*)last = *block;
  return 0;
}
static inline struct trestle_block last_free_block(void) {
  struct trestle_block last = {0, 0, 0, 0, TRESTLE_BLOCK_LIVE, TRESTLE_KIND_NONE};
  CALL(trestle_walk)(note_free, &last);
  must(last.address != NULL);
  return last;
}

/* Writes a byte that is not the program's, and says which it was. */
UNSEEN static inline void overwrite(char* at, char value) {
  evidence((unsigned char)*at, (unsigned char)value);
  wrong_at(at);
  *at = value;
}

/* NOLINTEND(modernize-use-nullptr) */

#endif
