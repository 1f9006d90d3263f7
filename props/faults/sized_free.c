//: fault hardened debug: size mismatch in free_sized(GIVEN)
// free_sized of another size.
#include "fault.h"

void free_sized(void* block, size_t size);

int main(void) {
  void* const block = malloc(100);
  give(block);
  about(block, 100);
  CALL(free_sized)(block, 101);
  return ok();
}
