//: fault fast hardened debug: double free in free(GIVEN)
// The same block freed twice, at once.
#include "support.h"

int main(void) {
  char* const block = hidden(malloc(100));
  give(block);
  free(block);
  free(hidden(block));
  return ok();
}
