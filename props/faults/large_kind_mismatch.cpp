//: warning hardened: kind mismatch in operator delete[](GIVEN)
//: fault debug: kind mismatch in operator delete[](GIVEN)
// A large new released by delete[].
#include <new>

#include "fault.h"

int main() {
  void* const block = hidden(::operator new(1000000));
  give(block);
  about_large(block, 1000000);
  ::operator delete[](block);
  return ok();
}
