//: options abort=0
//: told fast hardened debug: double free in free
//: summary faults=2
//: err trestle: 1 more fault without a report: 1 where one was reported before, 0 above reports_per_minute
// One fault more is one.
#include "support.h"

int main(void) {
  void* const block = hidden(malloc(100));
  free(hidden(block));
  for (volatile int i = 0; i < 2; ++i) free(hidden(block));
  return ok();
}
