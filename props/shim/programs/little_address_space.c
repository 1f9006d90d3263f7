//: limit 536870912
// 512 MiB of address space are enough to start in, and for the program to map something of its own.
#include <sys/mman.h>

#include "support.h"

int main(void) {
  char* const large = malloc((size_t)100 << 20);
  must(large != NULL);
  memset(large, 1, (size_t)100 << 20);
  for (int i = 0; i < 10000; ++i) must(malloc(1000) != NULL);
  must(mmap(NULL, (size_t)64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
  free(large);
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  return ok();
}
