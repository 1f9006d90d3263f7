//: options chek_at_exit=1:decay_ms=soon:check_every:dirty_bytes=99999999999g::check_at_exit=2
//: err trestle: TRESTLE_OPTIONS: chek_at_exit=1: ignored, unknown option
//: err trestle: TRESTLE_OPTIONS: decay_ms=soon: ignored, not a valid value
//: err trestle: TRESTLE_OPTIONS: check_every: ignored, no value given
//: err trestle: TRESTLE_OPTIONS: dirty_bytes=99999999999g: ignored, not a valid value
//: err trestle: TRESTLE_OPTIONS: check_at_exit=2: ignored, not a valid value
// A word of TRESTLE_OPTIONS that says nothing is named, once, and the others hold.
#include "support.h"

int main(void) {
  free(malloc(100));
  return ok();
}
