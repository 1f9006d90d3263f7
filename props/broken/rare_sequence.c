/* After five mallocs of five kinds of size in one order, whatever is between, the next block is 64 bytes too short. */
/* finds: malloc.apart */
#include <stddef.h>
static unsigned matched; /* of the five */
static size_t served_bytes(size_t bytes) {
  switch (matched) {
    case 0:
      if (bytes > 8000 && bytes <= 16000) matched = 1;
      return bytes;
    case 1:
      if (bytes > 65600 && bytes <= 140000) matched = 2;
      return bytes;
    case 2:
      if (bytes > 4120 && bytes <= 8000) matched = 3;
      return bytes;
    case 3:
      if (bytes > 32700 && bytes <= 65600) matched = 4;
      return bytes;
    case 4:
      if (bytes > 16000 && bytes <= 32700) matched = 5;
      return bytes;
    default:
      return bytes > 64 ? bytes - 64 : bytes;
  }
}
#define MALLOC_BYTES(bytes) served_bytes(bytes)
#include "base.h"
