//: options check_at_exit=1
//: fault hardened debug: write past end in the check at exit
// One byte past the request of a block that is never freed, seen by the check at exit.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(24));
  overwrite(block + 24, 0);
  about(block, 24);
  return ok();
}
