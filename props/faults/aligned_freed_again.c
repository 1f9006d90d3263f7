//: fault fast hardened debug: double free in free(GIVEN)
// Of a slot that has more pad than a page nobody knows the request any more: nothing is said rather than something wrong.
#include "fault.h"

int main(void) {
  char* const block = hidden(aligned_alloc(8192, 100));
  free(block);
  give(block);
  concerns(block, 0, 8192);
  free(hidden(block));
  return ok();
}
