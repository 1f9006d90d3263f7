//: fault hardened debug: write after free in free(GIVEN)
// A write to a freed block, seen when the block leaves the quarantine: at the latest when the heap wants to use it again.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(200000));
  void* const wall = malloc(100);
  must(wall != NULL);
  free(block);
  overwrite(hidden(block) + 40, 1);
  about(block, 200000);
  for (int i = 0; i < 1000; ++i) {
    void* const other = malloc(200000);
    give(other);
    free(other);
  }
  return ok();
}
