//: options abort=0
//: told fast hardened debug: double free in free
//: told fast hardened debug: double free in free
//: err trestle: 2 more faults without a report: 2 where one was reported before, 0 above reports_per_minute
//: summary faults=4
//: out
//: status -6
// A handler may end what the options let go on; and the report of what a process ends of is printed, though its site is known.
#include "support.h"

static enum trestle_fault_action end(const struct trestle_fault* fault) {
  must(fault->kind == TRESTLE_FAULT_DOUBLE_FREE);
  return TRESTLE_ACTION_ABORT;
}

int main(void) {
  void* const block = hidden(malloc(100));
  for (volatile int i = 0; i < 5; ++i) {
    free(hidden(block));
    if (i == 3) CALL(trestle_set_fault_handler)(end);
  }
  return ok();
}
