//: err trestle: \{"policy":"\w+","allocations":[1-9]\d*,("[a-z_]+":\d+,)+"faults":0\}
// malloc_stats writes the figures to stderr.
#include <malloc.h>

#include "support.h"

int main(void) {
  free(malloc(1));
  malloc_stats();
  return ok();
}
