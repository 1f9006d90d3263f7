//: fault debug: write past end in TRESTLE_HEAP_CHECK
//: err trestle: TRESTLE_HEAP_CHECK at .*/check_macro.c:12 found 1 fault
// TRESTLE_HEAP_CHECK() says where it stands, reports and aborts, in a debug build.
#include "fault.h"

UNSEEN int main(void) {
  TRESTLE_HEAP_CHECK();
  char* const block = hidden(trestle_malloc(24));
  const char old = block[24];
  overwrite(block + 24, 0);
  about(block, 24);
  TRESTLE_HEAP_CHECK();
  block[24] = old;
  return ok();
}
