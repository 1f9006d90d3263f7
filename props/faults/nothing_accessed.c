//: segv fast
//: fault hardened debug: access past end in a read
// A block of no bytes lies where nobody can read.
#include "fault.h"

int main(void) {
  volatile char* const block = hidden(malloc(0));
  if (!is_fast()) {
    wrong_at((const char*)block);
    concerns((const char*)block, 0, 0);
  }
  return block[0];
}
