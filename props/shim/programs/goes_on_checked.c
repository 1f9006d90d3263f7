//: options abort=0:check_every=1
//: told hardened debug: write past end in malloc
//: without fast: it has no pads
//: err trestle: 11 more faults without a report: 11 where one was reported before, 0 above reports_per_minute
//: summary faults=12
// What each check finds is told once, by whatever call it is made.
#include "support.h"

int main(void) {
  char* const block = hidden(malloc(24));
  block[24] ^= 1;
  for (volatile int i = 0; i < 5; ++i) free(hidden(malloc(100)));
  void* const other = hidden(malloc(200));
  free(hidden(other));
  block[24] ^= 1;
  return ok();
}
