//: options check_at_exit=1
//: summary checks=4
// The summary counts the checks that the program made itself along.
#include "support.h"

int main(void) {
  for (int i = 0; i < 3; ++i) must(CALL(trestle_heap_check)(NULL, 0) == 0);
  return ok();
}
