//: options abort=0
//: told fast hardened debug: double free in free
//: err trestle: 3 more faults without a report: 3 where one was reported before, 0 above reports_per_minute
//: err trestle: 2 more faults without a report: 2 where one was reported before, 0 above reports_per_minute
//: summaries 2
//: summary faults=3
//: child_faults 3
// The child of a fork tells nothing of what its parent met before, but what it meets itself.
#include <sys/wait.h>

#include "support.h"

int main(void) {
  void* const block = hidden(malloc(100));
  pid_t child = -1;
  for (volatile int i = 0; i < 7; ++i) {
    if (i == 4) child = fork();
    if (child > 0) break;
    free(hidden(block));
  }
  if (child == 0) exit(0);
  must(child > 0);
  int status = 0;
  must(waitpid(child, &status, 0) == child && status == 0);
  return ok();
}
