//: fault fast hardened debug: stale pointer in malloc_usable_size(GIVEN)
// malloc_usable_size of a block that was freed.
#include <malloc.h>

#include "support.h"

int main(void) {
  char* const block = hidden(malloc(100));
  give(block);
  free(block);
  return malloc_usable_size(hidden(block)) == 0 ? 1 : ok();
}
