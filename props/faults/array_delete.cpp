//: warning hardened: kind mismatch in operator delete(GIVEN)
//: fault debug: kind mismatch in operator delete(GIVEN)
// new[] released by delete.
#include "fault.h"

int main() {
  char* const block = hidden(new char[hidden_size(10)]);
  give(block);
  about(block, 10);
  ::operator delete(block);
  return ok();
}
