/* free changes errno. */
/* finds: free.errno */
#define ERRNO_AFTER_FREE(before) ((void)(before), 0)
#include "base.h"
