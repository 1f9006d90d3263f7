//: options check_at_exit=1
//: fault fast: header corrupt in the check at exit
//: fault hardened debug: write past end in the check at exit
// Past a block whose request is a multiple of 16. Under fast it has no pad, and the next block's header is hit.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(80000));
  char* const next = hidden(malloc(80000));
  must(next == block + (is_fast() ? 80016 : 80032));
  if (is_fast()) {
    block[80000] ^= 1;
    wrong_at(block + 80000);
    concerns(next, 0, 0);
    print(STDOUT_FILENO, "evidence ? 0x%zx\n",
          (size_t)word_at(block + 80008)); /* the tag that was; its key is secret */
  } else {
    overwrite(block + 80000, 0);
    about(block, 80000);
  }
  return ok();
}
