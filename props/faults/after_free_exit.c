//: options check_at_exit=1
//: fault hardened debug: write after free in the check at exit
// A write to a freed block, seen at exit.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(100));
  void* const wall = malloc(100);
  must(wall != NULL);
  free(block);
  overwrite(hidden(block) + 40, 1);
  about_freed(block, 100);
  return ok();
}
