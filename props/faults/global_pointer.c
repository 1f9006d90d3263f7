//: fault fast hardened debug: wild pointer in free(GIVEN)
// The address of a global.
#include "fault.h"

static char global[64];

int main(void) {
  give(global);
  free(hidden(global));
  return ok();
}
