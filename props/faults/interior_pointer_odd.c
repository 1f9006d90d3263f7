//: fault fast hardened debug: interior pointer in realloc(GIVEN)
// One that is not even aligned, to realloc.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(1000));
  give(block + 1);
  about(block, 1000);
  return realloc(hidden(block + 1), 2000) == NULL ? 1 : ok();
}
