/* What a thread has freed is lost when it ends. */
/* finds: thread.leaves */
#define CELLS_OUTLIVE_THREAD 0
#include "base.h"
