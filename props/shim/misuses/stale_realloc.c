//: fault fast hardened debug: stale pointer in realloc(GIVEN)
// realloc of a block that was freed.
#include "support.h"

int main(void) {
  char* const block = hidden(malloc(100));
  give(block);
  free(block);
  return realloc(hidden(block), 200) == NULL ? 1 : ok();
}
