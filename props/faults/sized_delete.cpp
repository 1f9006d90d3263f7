//: fault hardened debug: size mismatch in operator delete(GIVEN)
// Deleted as an object of another size.
#include <new>

#include "fault.h"

int main() {
  void* const block = hidden(::operator new(100));
  give(block);
  about(block, 100);
  ::operator delete(block, 96);
  return ok();
}
