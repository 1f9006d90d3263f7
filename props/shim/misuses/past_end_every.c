//: options check_every=1
//: fault hardened debug: write past end in malloc
// With check_every=1 the next call of the family finds it.
#include "support.h"

int main(void) {
  char* const block = hidden(malloc(24));
  block[24] = 0;
  wrong_at(block + 24);
  return malloc(1) == NULL ? 1 : ok();
}
