//: limit 2147483648
// What waits in a quarantine is given up before a request is refused.
#include "support.h"

int main(void) {
  for (int i = 0; i < 40; ++i) {
    char* const block = hidden(malloc((size_t)200 << 20));
    must(block != NULL);
    block[0] = 1;
    free(block);
  }
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  return ok();
}
