//: warning hardened: kind mismatch in operator delete(GIVEN)
//: fault debug: kind mismatch in operator delete(GIVEN)
// malloc released by delete.
#include "fault.h"

int main() {
  char* const block = hidden(malloc(1));
  give(block);
  about(block, 1);
  delete block;
  return ok();
}
