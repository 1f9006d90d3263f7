//: fault hardened debug: alignment mismatch in operator delete[](GIVEN)
// Deleted with an alignment that the block does not have.
#include <new>

#include "fault.h"

int main() {
  char* block = hidden(::operator new[](100));
  while (reinterpret_cast<uintptr_t>(block) % 4096 == 0) block = hidden(::operator new[](100));
  give(block);
  about(block, 100);
  ::operator delete[](block, std::align_val_t{4096});
  return ok();
}
