//: fault fast hardened debug: double free in free(GIVEN)
// The old pointer freed after realloc moved the block.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(100));
  void* const wall = malloc(100);
  void* const moved = realloc(block, 100000);
  must(wall != NULL && hidden(moved) != hidden(block));
  give(block);
  about_freed(block, 100);
  free(hidden(block));
  return ok();
}
