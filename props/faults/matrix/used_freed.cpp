//: options symbolizer=none
//: unsymbolized
//: by size 8B 4KiB 256KiB 8MiB
//: by way malloc new new[] aligned
//: by to free_sized realloc reallocarray malloc_usable_size
//: by when at_once after_10000
//: fault fast hardened debug [realloc reallocarray malloc_usable_size]: stale pointer in CALL(GIVEN)
//: fault fast hardened debug [free_sized]: double free in CALL(GIVEN)
// A block that was freed, given to every function that goes on with a block, or tells its size.
#include "calls.hpp"

int main(int, char** words) {
  const size_t size = bytes_of(words[1]);
  const Way& way = row_named(kWays, words[2]);
  char* const before = made(way, size);
  char* const block = made(way, size);
  must(made(way, size) != before);
  way.release(block);
  if (is(words[4], "after_10000")) other_operations(10000);
  about_dead(way, block, size);
  return hand(words[3], block);
}
