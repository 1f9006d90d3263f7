/* realloc loses the last byte where another thread was the last to call it. */
/* finds: ops.threads */
static __thread char here __attribute__((tls_model("initial-exec")));
static char* last_caller;
static int is_another(void) {
  char* const before = last_caller;
  last_caller = &here;
  return before != (char*)0 && before != &here;
}
#define LESSER(had, wanted) ((had) < (wanted) ? (had) : (wanted))
#define KEPT_BYTES(had, wanted) (LESSER(had, wanted) - (size_t)is_another())
#include "base.h"
