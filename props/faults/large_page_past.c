//: segv fast
//: fault hardened debug: access past end in a write
// Past a large request that ends with its page lies a guard page.
#include "fault.h"

int main(void) {
  enum { SIZE = 1000000 / 4096 * 4096 };
  volatile char* const block = hidden(malloc(SIZE));
  if (!is_fast()) {
    wrong_at((const char*)block + SIZE);
    about_large((const char*)block, SIZE);
  }
  block[SIZE] = 1;
  return 1;
}
