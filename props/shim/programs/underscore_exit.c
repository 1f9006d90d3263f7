//: options check_at_exit=1
//: summary checks=1
//: status 3
// A program that ends by _exit is checked and summed up as well.
#include "support.h"

int main(void) {
  must(malloc(100) != NULL);
  ok();
  _exit(3);
}
