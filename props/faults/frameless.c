//: options unwind_tables=1
//: fault debug: double free in free(GIVEN)
//: frames stack: release_inner release_middle release_outer main
//: frames freed: release_inner release_middle release_outer main
//: frames allocated: allocate_inner allocate_outer main
//: without fast hardened: they keep no stacks of small blocks
// Stacks of functions that keep no frame pointers are whole where they are followed by tables.
#include "fault.h"

#define FRAMELESS __attribute__((noinline))

static char* block;
FRAMELESS static void allocate_inner(volatile int* depth) {
  block = hidden(malloc(100));
  *depth += 1;
}
FRAMELESS static void allocate_outer(volatile int* depth) {
  volatile int own = *depth;
  allocate_inner(&own);
  *depth = own;
}
FRAMELESS static void release_inner(volatile int* depth) {
  free(hidden(block));
  *depth += 1;
}
FRAMELESS static void release_middle(volatile int* depth) {
  volatile int own = *depth;
  release_inner(&own);
  *depth = own;
}
FRAMELESS static void release_outer(volatile int* depth) {
  volatile int own = *depth;
  release_middle(&own);
  *depth = own;
}

int main(void) {
  volatile int depth = 0;
  allocate_outer(&depth);
  release_outer(&depth);
  give(block);
  about_freed(block, 100);
  release_outer(&depth);
  return depth;
}
