/* calloc zeroes whole words only of memory that was in use before. */
/* finds: calloc.used ops.programs ops.threads */
#define ZEROED_BYTES(bytes) ((bytes) & ~(size_t)7)
#include "base.h"
