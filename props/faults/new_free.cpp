//: warning hardened: kind mismatch in free(GIVEN)
//: fault debug: kind mismatch in free(GIVEN)
// new released by free. The hardened policy says it once and goes on, however often it happens.
#include "fault.h"

int main() {
  char* const block = hidden(new char);
  give(block);
  about(block, 1);
  free(block);
  for (int i = 0; i < 10; ++i) free(hidden(new char));
  return ok();
}
