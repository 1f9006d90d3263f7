/* realloc loses the last byte. */
/* finds: realloc.keeps realloc.steps realloc.of_aligned limit.realloc ops.programs ops.threads */
#define LESSER(had, wanted) ((had) < (wanted) ? (had) : (wanted))
#define KEPT_BYTES(had, wanted) (LESSER(had, wanted) - (LESSER(had, wanted) > 0))
#include "base.h"
