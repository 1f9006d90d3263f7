//: options leak_check=1
//: err trestle: leaks were not looked for: memory is short
//: summary leaks_searched=0
// A search for leaks needs memory; where there is none it says so, and the program ends as it would have.
#include <sys/resource.h>

#include "support.h"

int main(void) {
  free(hidden(malloc(100)));
  const struct rlimit none = {0, 0};
  must(setrlimit(RLIMIT_AS, &none) == 0);
  must(CALL(trestle_leak_check)(NULL, 0) == SIZE_MAX);
  must(CALL(trestle_collect)() == SIZE_MAX);
  return ok();
}
