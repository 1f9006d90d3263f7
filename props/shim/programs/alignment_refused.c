// posix_memalign: EINVAL is the result, errno and the pointer stay; aligned_alloc: null and EINVAL; memalign so where no power
// of two is as large.
#include <errno.h>
#include <malloc.h>

#include "support.h"

int main(void) {
  static const size_t bad[] = {0, 1, 2, 4, 12, 24, 100, SIZE_MAX};
  int here = 0;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    void* kept = &here;
    errno = 77;
    must(posix_memalign(&kept, bad[i], 100) == EINVAL);
    must(errno == 77 && kept == (void*)&here);
  }
  static const size_t no_power[] = {0, 3, 12, 24, 100, SIZE_MAX};
  for (size_t i = 0; i < sizeof no_power / sizeof *no_power; ++i) {
    errno = 0;
    must(aligned_alloc(hidden_size(no_power[i]), 100) == NULL);
    must(errno == EINVAL);
  }
  for (size_t alignment = SIZE_MAX; alignment > SIZE_MAX / 2; alignment -= SIZE_MAX / 8) {
    errno = 0;
    must(memalign(hidden_size(alignment), 100) == NULL);
    must(errno == EINVAL);
  }
  return ok();
}
