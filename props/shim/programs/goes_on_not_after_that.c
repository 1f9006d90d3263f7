//: options abort=0
//: told fast hardened debug: double free in free
//: told fast hardened debug: header corrupt in free
//: summary faults=2
//: out
//: status -6
// Whoever goes on after faults does not after this one: nothing tells any more how long the block is.
#include "support.h"

int main(void) {
  char* const block = hidden(malloc(90000));
  char* const freed = hidden(malloc(100));
  free(freed);
  free(hidden(freed));
  block[-8] ^= 1;
  free(hidden(block));
  return ok();
}
