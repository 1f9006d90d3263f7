/* aligned_alloc ignores alignments above 16. */
/* finds: aligned_alloc.aligned aligned_alloc.any_size new.aligned ops.programs ops.threads */
#define ALIGNED_ALLOC_ALIGNMENT(alignment) 16
#include "base.h"
