/* A realloc that fails frees the block. */
/* finds: realloc.failed limit.realloc ops.programs ops.threads */
#define AFTER_FAILED_REALLOC(block) free(block)
#include "base.h"
