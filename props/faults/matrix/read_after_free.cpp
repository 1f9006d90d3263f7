//: options symbolizer=none
//: unsymbolized
//: by size 8B 4KiB 256KiB 8MiB
//: by way malloc new new[] aligned realloc thread
//: by when at_once after_10000
//: fault hardened debug [8MiB]: access after free in CALL
//: without fast: what it held is there still, or is not
// A freed block holds nothing of what it held: zeros in its first 1,024 bytes under hardened, 0xDF in all of it under debug. A
// large one cannot be read.
#include "matrix.hpp"

int main(int, char** words) {
  const size_t size = bytes_of(words[1]);
  const Way& way = row_named(kWays, words[2]);
  must(made(way, size) != nullptr);
  char* const block = made(way, size);
  must(made(way, size) != block);
  memset(block, 0xA7, size);
  way.release(block);
  if (is(words[3], "after_10000")) other_operations(10000);
  if (size > kLargestBlock) {
    about_refused("read", block + size / 2, block, size, served_by(way, block, size));
    return *(volatile char*)(block + size / 2);
  }
  const bool debug = is_policy("debug");
  const size_t promised = debug || size < 1024 ? size : 1024;
  for (size_t i = 0; i < promised; ++i) must((unsigned char)hidden(block)[i] == (debug ? 0xDF : 0));
  return ok();
}
