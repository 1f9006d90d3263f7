//: options symbolizer=none
//: unsymbolized
//: by size 8B 4KiB 256KiB 8MiB
//: by to free_sized realloc reallocarray malloc_usable_size
//: by off byte granule last
//: fault fast hardened debug [4KiB 256KiB 8MiB]: interior pointer in CALL(GIVEN)
//: fault fast hardened debug [8B byte last]: interior pointer in CALL(GIVEN)
//: without fast hardened debug [8B granule]: the next slot begins there
// A pointer into a block, given to every function that goes on with a block, or tells its size.
#include "calls.hpp"

int main(int, char** words) {
  const size_t size = bytes_of(words[1]);
  char* const block = made(kWays[0], size);
  about_live(kWays[0], block, size);
  if (is(words[3], "last")) return hand(words[2], block + size - 1);
  return hand(words[2], block + (is(words[3], "byte") ? 1 : 16));
}
