/* Without a bug. */
/* finds: nothing */
#include "base.h"
