//: options symbolizer=none:sample=1:sample_below=1
//: unsymbolized
//: by size 64B 100B 4KiB 256KiB
//: by way malloc new new[] aligned realloc
//: by what read_before write_before read_past write_freed within
//: without fast: it takes no samples
//: fault hardened debug [read_before write_before]: access before start in CALL
//: fault hardened debug [read_past]: access past end in CALL
//: fault hardened debug [write_freed]: access after free in CALL
// Where every request is a sample against guard pages below it, an access before its start is refused at once, be it by a byte
// or by a page; so is one behind its last OS page, and any after it was freed.
#include "matrix.hpp"

int main(int, char** words) {
  const size_t size = bytes_of(words[1]);
  const Way& way = row_named(kWays, words[2]);
  char* const block = made(way, size);
  const size_t served = (size + 4095) / 4096 * 4096;
  if (is(words[3], "within")) {
    for (size_t i = 0; i < size; ++i) must(hidden(block)[i] == 0);
    memset(block, 1, size);
    way.release(block);
    return ok();
  }
  const bool write = strncmp(words[3], "write", 5) == 0;
  volatile char* at = block + served;
  if (strstr(words[3], "before") != nullptr) at = hidden(block) - (write ? 1 : 4096);
  if (strstr(words[3], "freed") != nullptr) {
    at = block + size / 2;
    way.release(block);
  }
  about_refused(write ? "write" : "read", at, block, size, served);
  if (!write) return *at;
  *at = 1;
  return 1;
}
