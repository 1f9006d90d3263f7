//: killed SEGV
//: summaries 0
// A freed large block is inaccessible, where the policy makes it so; under the fast one this program ends itself the same way.
#include <signal.h>

#include "fault.h"

int main(void) {
  volatile char* const block = hidden(malloc(1000000));
  free((void*)block);
  ok();
  if (strcmp(CALL(trestle_policy_name)(), "fast") == 0) raise(SIGSEGV);
  block[500000] = 1;
  return 1;
}
