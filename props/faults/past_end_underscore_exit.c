//: options check_at_exit=1
//: fault hardened debug: write past end in the check at exit
// The check at exit runs before _exit as well.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(24));
  overwrite(block + 24, 0);
  about(block, 24);
  ok();
  _exit(0);
}
