//: options symbolizer=none
//: by size 8B 4KiB 256KiB 8MiB
//: by way malloc new new[] aligned realloc
//: by what executable same_again
//: without fast [same_again]: it may be the same by chance
// No memory can be executed. What was freed is not what the next request of its size gets. (Where it goes then is chance, and
// the business of lib's units. What a thread freed that has ended is left out: it may be what comes next.)
#include "matrix.hpp"

// Whether the mapping that holds the address may be executed, as the system tells.
static bool is_executable(const void* at) {
  static char maps[1 << 20];
  FILE* const file = fopen("/proc/self/maps", "r");
  must(file != nullptr);
  const size_t length = fread(maps, 1, sizeof maps - 1, file);
  maps[length] = 0;
  fclose(file);
  for (char* line = strtok(maps, "\n"); line != nullptr; line = strtok(nullptr, "\n")) {
    char* rest = nullptr;
    const size_t from = strtoull(line, &rest, 16);
    must(*rest == '-');
    const size_t to = strtoull(rest + 1, &rest, 16);
    must(strlen(rest) > 4);
    const char* const rights = rest + 1;
    if (from <= (size_t)(uintptr_t)at && (size_t)(uintptr_t)at < to) return rights[2] == 'x';
  }
  failed("a mapping holds it", __FILE__, __LINE__);
  return true;
}

int main(int, char** words) {
  const size_t size = bytes_of(words[1]);
  const Way& way = row_named(kWays, words[2]);
  char* const block = made(way, size);
  if (is(words[3], "executable")) {
    must(!is_executable(block) && is_executable(reinterpret_cast<void*>(&main)));
    return ok();
  }
  way.release(block);
  must(made(way, size) != block);
  return ok();
}
