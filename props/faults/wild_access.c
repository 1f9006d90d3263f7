//: killed fast: SEGV
//: fault hardened debug: wild access in a write
// Far past everything, in what is reserved for more.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(100));
  volatile char* const far = hidden(block + (1 << 30));
  if (is_fast())
    ok();
  else
    wrong_at((const char*)far);
  far[0] = 1;
  return 1;
}
