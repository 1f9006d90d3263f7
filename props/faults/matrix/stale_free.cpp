//: options symbolizer=none
//: unsymbolized
//: by size 8B 4KiB 256KiB
//: by way malloc new new[] aligned realloc
//: by when after_3_alike after_200_alike
//: fault hardened [after_3_alike]: double free in CALL(GIVEN)
//: fault debug: double free in CALL(GIVEN)
//: without fast: the slot that was freed last may be the next to go
//: without hardened [after_200_alike]: by then its memory may be another's, whose block is then freed
// A block freed twice, with others of its size made and freed between: as long as its memory waits, nobody gets it.
#include "matrix.hpp"

int main(int, char** words) {
  const size_t size = bytes_of(words[1]);
  const Way& way = row_named(kWays, words[2]);
  char* const before = made(way, size);
  char* const block = made(way, size);
  must(made(way, size) != before);
  way.release(block);
  for (long i = 0; i < strtol(words[3] + 6, nullptr, 10); ++i) {
    char* const other = made(way, size);
    must(other != block);
    way.release(other);
  }
  print(STDOUT_FILENO, "call %s\n", way.released);
  give(block);
  about_dead(way, block, size);
  way.release(block);
  return ok();
}
