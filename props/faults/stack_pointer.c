//: fault fast hardened debug: wild pointer in free(GIVEN)
// The address of a local.
#include "fault.h"

int main(void) {
  char local[64] = {0};
  free(malloc(10));
  give(local);
  free(hidden(local));
  return ok();
}
