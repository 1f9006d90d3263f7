//: killed SEGV
//: summaries 0
// A page past a large request lies a guard page.
#include "fault.h"

int main(void) {
  volatile char* const block = hidden(malloc(1000000));
  ok();
  block[1000000 + 4096] = 1;
  return 1;
}
