//: finds fast hardened debug: control corrupt
// The record of a heap in a buffer overwritten: a fault that is a value, and never fatal.
#include <trestle/trestle.hpp>

#include "fault.h"

alignas(16) static char buffer[16384];

// The library is loaded, not linked, so its members are found by their names.
template <class Function>
Function* member(const char* symbol) {
  return reinterpret_cast<Function*>(function(symbol));
}

int main() {
  auto* const create = member<void*(void*, size_t, uint64_t, bool)>("_ZN7trestle10block_heap6createEPvmmb");
  auto* const allocate = member<void*(void*, size_t, size_t)>("_ZN7trestle10block_heap8allocateEmm");
  auto* const deallocate = member<trestle_fault_kind(void*, void*)>("_ZN7trestle10block_heap10deallocateEPv");
  void* const heap = create(buffer, sizeof buffer, 42, false);
  must(heap != nullptr);
  void* const block = allocate(heap, 100, 16);
  must(block != nullptr);
  *hidden(heap) ^= 1;
  print(STDOUT_FILENO, "found %s\n", CALL(trestle_fault_name)(deallocate(heap, block)));
  return ok();
}
