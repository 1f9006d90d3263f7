/* posix_memalign tells its errors in errno instead of returning them. */
/* finds: posix_memalign.einval posix_memalign.enomem */
#define POSIX_MEMALIGN_FAILED(error) return errno = (error), 0
#include "base.h"
