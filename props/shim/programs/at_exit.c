//: options check_at_exit=1
//: summary checks=1
// malloc works in exit handlers and destructors, and the summary comes after them.

#include "support.h"

static char* kept;

static void handle(void) {
  kept = realloc(kept, 100000);
  memset(kept, 1, 100000);
  free(malloc(1000000));
}
__attribute__((destructor)) static void destroy(void) {
  must(kept[99999] == 1);
  free(kept);
  free(calloc(10, 10));
  ok();
}

int main(void) {
  kept = malloc(10);
  must(atexit(handle) == 0);
  return 0;
}
