//: options symbolizer=none:sample=1
//: unsymbolized
//: by size 64B 100B 4KiB 256KiB
//: by way malloc new new[] aligned realloc
//: by what read_past write_past read_freed write_freed within
//: without fast: it takes no samples
//: fault hardened debug [read_past write_past]: access past end in CALL
//: fault hardened debug [read_freed write_freed]: access after free in CALL
// Where every request is a sample, an access past its end, but for what is left of its OS page where alignment leaves a gap, or
// to it after it was freed is refused at once; who allocated it and who freed it is known under hardened too.
#include "matrix.hpp"

int main(int, char** words) {
  const size_t size = bytes_of(words[1]);
  const Way& way = row_named(kWays, words[2]);
  char* const block = made(way, size);
  const size_t end = (size_t)(uintptr_t)block + size;
  const size_t served = (end + 4095) / 4096 * 4096 - (size_t)(uintptr_t)block;
  if (size % way.alignment == 0) must(served == size);
  if (is(words[3], "within")) {
    for (size_t i = 0; i < size; ++i) must(hidden(block)[i] == 0);
    memset(block, 1, size);
    way.release(block);
    return ok();
  }
  const bool freed = strstr(words[3], "freed") != nullptr;
  const bool write = strncmp(words[3], "write", 5) == 0;
  volatile char* const at = block + (freed ? size / 2 : served);
  if (freed) way.release(block);
  about_refused(write ? "write" : "read", at, block, size, served);
  if (!write) return *at;
  *at = 1;
  return 1;
}
