//: options symbolizer=none
//: by size 8B 4KiB 256KiB 8MiB
//: by way malloc new new[] aligned realloc
//: without fast: an earlier owner's bytes are there still, or are not
// Memory that comes back to another owner: the first 1,024 bytes of a slot or block are zero under hardened, all of it is 0xDF
// under debug; all of a large one is zero under both, and what realloc adds without moving is.
#include "matrix.hpp"

static size_t size;
static bool resized;

// Of a large block, which would take long to look at, a page at its start, middle and end.
static void each_part(char* block, void (*visit)(char* at, size_t length)) {
  if (size <= kLargestBlock) return visit(block, size);
  visit(block, 4096);
  visit(block + size / 2, 4096);
  visit(block + size - 4096, 4096);
}
static void leave(char* at, size_t length) { memset(at, 0xA7, length); }
static void look(char* at, size_t length) {
  const bool zero = size > kLargestBlock || is_policy("hardened");
  const size_t promised = is_policy("hardened") && length > 1024 && size <= kLargestBlock ? 1024 : length;
  for (size_t i = 0; i < promised; ++i) {
    const auto byte = (unsigned char)at[i];
    must(byte == (zero ? 0 : 0xDF) || (resized && is_policy("debug") && (byte == 0 || byte == 0xDF)));
  }
}

int main(int, char** words) {
  size = bytes_of(words[1]);
  const Way& way = row_named(kWays, words[2]);
  resized = is(words[2], "realloc");
  char* const first = made(way, size);
  must(made(way, size) != first);
  each_part(first, leave);
  way.release(first);
  bool again = false;
  const size_t most = is_policy("debug") ? (size_t{65} << 20) / size + 1000 : 10000;
  for (size_t i = 0; i < most && i < 1100000 && !again; ++i) {
    char* const block = made(way, size);
    each_part(block, look);
    each_part(block, leave);
    way.release(block);
    again = block == first;
  }
  must(again);
  return ok();
}
