//: options symbolizer=none
//: unsymbolized
//: by size 300KiB 8MiB-1 8MiB
//: by way malloc new new[] aligned realloc
//: by access read write
//: killed fast: SEGV
//: fault hardened debug: access past end in CALL
// Beyond the OS page in which a large request ends nothing can be read, nor written. (Of what lies before it, only what another
// large one has as its guard; and of slots and blocks nothing is guarded: all of that is left out.)
#include "matrix.hpp"

int main(int, char** words) {
  const size_t size = bytes_of(words[1]);
  char* const block = made(row_named(kWays, words[2]), size);
  volatile char* const beyond = block + (size + 4095) / 4096 * 4096;
  about_refused(words[3], beyond, block, size, served_by(row_named(kWays, words[2]), block, size));
  if (is(words[3], "read")) return *beyond;
  *beyond = 1;
  return 1;
}
