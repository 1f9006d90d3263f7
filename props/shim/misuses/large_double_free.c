//: fault fast hardened debug: double free in free(GIVEN)
// A large block freed twice.
#include "support.h"

int main(void) {
  char* const block = hidden(malloc(1000000));
  give(block);
  free(block);
  free(hidden(block));
  return ok();
}
