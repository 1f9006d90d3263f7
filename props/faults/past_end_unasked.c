//: fault debug: write past end in the check at exit
// The debug policy checks at exit without being asked; the others do not, and say nothing.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(24));
  overwrite(block + 24, 0);
  about(block, 24);
  return ok();
}
