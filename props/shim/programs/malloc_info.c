//: out xml
// malloc_info writes XML, or says that it could not; options other than 0 are refused.
#include <errno.h>
#include <malloc.h>

#include "support.h"

int main(void) {
  errno = 0;
  must(malloc_info(1, stdout) == -1 && errno == EINVAL);
  void* const block = malloc(100);
  must(malloc_info(0, stdout) == 0);
  FILE* const full = fopen("/dev/full", "w");
  must(full != NULL && setvbuf(full, NULL, _IONBF, 0) == 0);
  must(malloc_info(0, full) == -1);
  fclose(full);
  free(block);
  return 0;
}
