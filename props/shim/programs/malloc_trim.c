//: options decay_ms=3600000:dirty_bytes=4g
// malloc_trim gives pages back at once, says so, and has nothing left to give then.
#include <malloc.h>

#include "support.h"

static long resident_pages(void) {
  long total = 0;
  long resident = 0;
  FILE* const file = fopen("/proc/self/statm", "r");
  must(file != NULL && fscanf(file, "%ld %ld", &total, &resident) == 2);
  fclose(file);
  return resident;
}

int main(void) {
  enum { count = 1500, bytes = 100000 }; /* more than any policy keeps in quarantine */
  static char* blocks[count];
  for (int i = 0; i < count; ++i) {
    blocks[i] = malloc(bytes);
    memset(blocks[i], 1, bytes);
  }
  for (int i = 0; i < count; ++i) free(blocks[i]);
  const long before = resident_pages();
  must(malloc_trim(0) == 1);
  must(malloc_trim(0) == 0); /* right away: to count pages allocates */
  const long after = resident_pages();
  must((before - after) * sysconf(_SC_PAGESIZE) > 40 << 20);
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  return ok();
}
