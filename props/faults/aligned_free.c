//: fault hardened debug: alignment mismatch in free_aligned_sized(GIVEN)
// free_aligned_sized of an alignment that the block does not have.
#include "fault.h"

void free_aligned_sized(void* block, size_t alignment, size_t size);

int main(void) {
  char* block = malloc(100);
  while ((uintptr_t)block % 4096 == 0) block = malloc(100);
  give(block);
  about(block, 100);
  CALL(free_aligned_sized)(block, 4096, 100);
  return ok();
}
