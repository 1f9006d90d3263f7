//: options check_at_exit=1
//: fault fast hardened debug: header corrupt in the check at exit
// Past a block without any pad: the next block's header is hit, and no policy lets that pass.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(80000));
  char* const next = hidden(malloc(80000));
  must(next == block + 80016);
  block[80000] ^= 1;
  wrong_at(block + 80000);
  concerns(next, 0, 0);
  print(STDOUT_FILENO, "evidence ? 0x%zx\n", (size_t)word_at(block + 80008)); /* the tag that was; its key is secret */
  return ok();
}
