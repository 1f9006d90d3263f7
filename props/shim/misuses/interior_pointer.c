//: fault fast hardened debug: interior pointer in free(GIVEN)
// A pointer that was moved on before it was freed.
#include "support.h"

int main(void) {
  char* const block = hidden(malloc(1000));
  give(block + 32);
  free(hidden(block + 32));
  return ok();
}
