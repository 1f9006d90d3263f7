//: fault hardened debug: stale pointer in realloc(GIVEN)
//: fault fast: stale pointer in realloc(GIVEN)
// realloc of a large block that was freed.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(1000000));
  give(block);
  about_large(block, 1000000);
  free(block);
  return realloc(hidden(block), 200) == NULL ? 1 : ok();
}
