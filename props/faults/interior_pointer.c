//: fault fast hardened debug: interior pointer in free(GIVEN)
// A pointer that was moved on before it was freed.
#include "fault.h"

int main(void) {
  char* const block = hidden(malloc(1000));
  give(block + 32);
  about(block, 1000);
  free(hidden(block + 32));
  return ok();
}
