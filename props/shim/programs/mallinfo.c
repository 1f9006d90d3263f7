// mallinfo2 counts what is live to the byte; mallinfo says the same, as far as an int goes.
#include <limits.h>
#include <malloc.h>

#include "support.h"

int main(void) {
  const struct mallinfo2 before = mallinfo2();
  void* const small = malloc(1000);
  void* const large = malloc(1000000);
  const struct mallinfo2 with = mallinfo2();
  must(with.uordblks == before.uordblks + usable(1000) + 1000000);
  must(with.arena >= with.uordblks);
  struct trestle_stats all;
  CALL(trestle_get_stats)(&all);
  must(with.fordblks == all.free_block_bytes + all.retired_bytes + all.free_span_bytes);
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const struct mallinfo narrow = mallinfo();
  must((size_t)narrow.uordblks == with.uordblks && (size_t)narrow.arena == with.arena);
  free(small);
  free(large);
  must(mallinfo2().uordblks == before.uordblks);
  void* const huge = hidden(malloc((size_t)3 << 30));
  if (huge != NULL) must(mallinfo().uordblks == INT_MAX && mallinfo2().uordblks >= (size_t)3 << 30);
  free(huge);
  return ok();
}
