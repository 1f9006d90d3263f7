//: options check_at_exit=1
//: fault fast hardened debug: header corrupt in the check at exit
// Past a block without any pad: the next block's header is hit, and no policy lets that pass.
#include "support.h"

int main(void) {
  char* const block = hidden(malloc(2000));
  char* const next = hidden(malloc(2000));
  must(next == block + 2016);
  block[2000] ^= 1;
  wrong_at(block + 2000);
  return ok();
}
