//: status 4
// And one that ends by _Exit.
#include "support.h"

int main(void) {
  must(malloc(100) != NULL);
  ok();
  _Exit(4);
}
