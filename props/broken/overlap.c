/* Cells of 64 KiB overlap: the header of the next lies in the last bytes of each. */
/* finds: malloc.apart usable_size.there */
/* may: calloc.used realloc.keeps realloc.null realloc.aligned new.gives fork.copies fork.threads ops.programs ops.threads */
#define CELL_BYTES(capacity) ((capacity) == kLargestCell ? (capacity) : (capacity) + HEADER)
#include "base.h"
