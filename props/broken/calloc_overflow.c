/* calloc multiplies without a look at whether that overflows. */
/* finds: calloc.overflow */
#define IS_OVERFLOW(count, size, product) ((*(product) = (count) * (size)), 0)
#include "base.h"
