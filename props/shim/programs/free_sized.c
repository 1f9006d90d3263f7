// C23's free_sized and free_aligned_sized release; null is fine.
#include "support.h"

void free_sized(void* block, size_t size);
void free_aligned_sized(void* block, size_t alignment, size_t size);

int main(void) {
  struct trestle_stats before;
  struct trestle_stats after;
  CALL(trestle_get_stats)(&before);
  for (size_t size = 0; size < (size_t)1 << 20; size = 2 * size + 1) {
    CALL(free_sized)(malloc(size), size);
    CALL(free_sized)(calloc(1, size), size);
    CALL(free_sized)(realloc(malloc(3), size), size);
    CALL(free_aligned_sized)(aligned_alloc(256, size), 256, size);
  }
  CALL(free_sized)(NULL, 5);
  CALL(free_aligned_sized)(NULL, 8, 5);
  CALL(trestle_get_stats)(&after);
  must(after.live_blocks == before.live_blocks);
  must(after.deallocations > before.deallocations + 80);
  return ok();
}
