//: options abort=0:reports_per_minute=2
//: told fast hardened debug: double free in free
//: told fast hardened debug: double free in free
//: summary faults=6
//: err trestle: 4 more faults without a report: 1 where one was reported before, 3 above reports_per_minute
// Not more reports than are wanted, from whatever places.
#include "support.h"

int main(void) {
  void* const block = hidden(malloc(100));
  free(block);
  for (volatile int i = 0; i < 2; ++i) free(hidden(block));
  free(hidden(block));
  free(hidden(block));
  free(hidden(block));
  free(hidden(block));
  return ok();
}
