// Sizes that no address space holds are refused also where a large block is to grow, and the block is as it was.
#include <errno.h>

#include "support.h"

int main(void) {
  char* const block = hidden(malloc(300000));
  memset(block, 7, 300000);
  for (int shift = 43; shift < 63; ++shift) {
    errno = 0;
    must(realloc(block, hidden_size(((size_t)1 << shift) + 300000)) == NULL);
    must(errno == ENOMEM);
  }
  for (size_t at = 0; at < 300000; ++at) must(block[at] == 7);
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  free(block);
  return ok();
}
