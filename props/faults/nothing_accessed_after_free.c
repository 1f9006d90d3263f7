//: killed fast: SEGV
//: fault hardened debug: access after free in a write
// Nor is it accessible when it is freed.
#include "fault.h"

int main(void) {
  volatile char* const block = hidden(malloc(0));
  volatile char* const kept = hidden(malloc(0));
  if (is_fast()) {
    ok();
  } else {
    wrong_at((const char*)block);
    concerns((const char*)block, 0, 0);
  }
  free((void*)block);
  block[0] = 1;
  return kept != block;
}
