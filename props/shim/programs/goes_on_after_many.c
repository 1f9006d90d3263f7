//: options abort=0
//: told hardened: write after free in malloc
//: without fast debug: the one does not look, and the other looks later
//: err trestle: \d+ more faults without a report: \d+ where one was reported before, 0 above reports_per_minute
//: summary faults=null
// As many blocks as may be that were written to after they were freed: none is served.
#include "support.h"

enum { MANY = 2000, SIZE = 100 };
static char* written[MANY];
static char* served[3 * MANY];

__attribute__((noinline)) static char* make(void) { return hidden(malloc(SIZE)); }

int main(void) {
  for (int i = 0; i < MANY; ++i) written[i] = make();
  for (int i = 0; i < MANY; ++i) free(written[i]);
  for (int i = 0; i < MANY; ++i) written[i][SIZE / 2] ^= 1;
  for (volatile int i = 0; i < 3 * MANY; ++i) {
    served[i] = make();
    memset(served[i], 'c', SIZE);
  }
  for (int i = 0; i < 3 * MANY; ++i) must(served[i][0] == 'c' && served[i][SIZE - 1] == 'c');
  return ok();
}
