/* malloc_usable_size tells of more bytes than there are. */
/* finds: usable_size.there */
#define USABLE_BYTES(capacity) ((capacity) + 24)
#include "base.h"
