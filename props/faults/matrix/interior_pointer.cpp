//: options symbolizer=none
//: unsymbolized
//: by size 8B 4KiB 256KiB 8MiB
//: by way malloc new new[] aligned realloc thread delayed
//: by off byte granule last
//: fault fast hardened debug [4KiB 256KiB 8MiB]: interior pointer in CALL(GIVEN)
//: fault fast hardened debug [8B byte last]: interior pointer in CALL(GIVEN)
//: without fast hardened debug [8B granule]: the next slot begins there
// A pointer that was moved on by a byte, by a granule of 16, or to the block's last byte, before it was released.
#include "matrix.hpp"

int main(int, char** words) {
  const size_t size = bytes_of(words[1]);
  const Way& way = row_named(kWays, words[2]);
  char* const block = made(way, size);
  size_t off = is(words[3], "byte") ? 1 : 16;
  if (is(words[3], "last")) off = size - 1;
  print(STDOUT_FILENO, "call %s\n", way.released);
  give(block + off);
  about_live(way, block, size);
  way.release(hidden(block + off));
  return ok();
}
