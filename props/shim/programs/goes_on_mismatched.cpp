//: options abort=0:abort_on_mismatch=1
//: told hardened debug: kind mismatch in free
//: told hardened debug: kind mismatch in operator delete
//: told hardened debug: kind mismatch in operator delete[]
//: without fast: it does not see them
// A block that is freed by another family is freed all the same, once that is reported.
#include <new>

#include "support.h"

static void* freed[3];

static void free_each() {
  freed[0] = hidden(::operator new(100));
  freed[1] = hidden(malloc(80000));
  freed[2] = hidden(::operator new(1000000));
  free(hidden(freed[0]));
  ::operator delete(hidden(freed[1]));
  ::operator delete[](hidden(freed[2]));
}

static int note_live(const trestle_block* block, void* count) {
  for (void* const one : freed)
    if (block->address == one && block->state == TRESTLE_BLOCK_LIVE) ++*static_cast<int*>(count);
  return 0;
}

int main() {
  free_each();
  int live = 0;
  CALL(trestle_walk)(note_live, &live);
  must(live == 0);
  must(CALL(trestle_heap_check)(nullptr, 0) == 0);
  return ok();
}
