//: fault fast hardened debug: double free in free(GIVEN)
// A large block freed twice.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(1000000));
  give(block);
  about_large(block, 1000000);
  free(block);
  free(hidden(block));
  return ok();
}
