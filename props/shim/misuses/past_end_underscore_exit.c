//: options check_at_exit=1
//: fault hardened debug: write past end in the check at exit
// The check at exit runs before _exit as well.
#include "support.h"

int main(void) {
  char* const block = hidden(malloc(24));
  block[24] = 0;
  wrong_at(block + 24);
  ok();
  _exit(0);
}
