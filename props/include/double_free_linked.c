//: fault fast hardened debug: double free in free(GIVEN)
// A misuse in a program that is linked with the static library is reported as in one that is preloaded.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(100));
  give(block);
  about_freed(block, 100);
  free(block);
  free(hidden(block));
  return ok();
}
