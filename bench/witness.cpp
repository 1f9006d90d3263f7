// A preload library that says where a process's malloc is: it appends the path of that file, a line, to the file that
// TRESTLE_BENCH_WITNESS names. It has no malloc of its own. It comes first in LD_PRELOAD, and the allocator behind it.
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace {

// A program that takes malloc's address, and is not position independent, has a stub that stands for malloc. The stub is no
// definition; the one it leads to is then the first behind this library.
Dl_info place_of_malloc() {
  Dl_info place = {};
  void* symbol = nullptr;
  const int found = dladdr1(dlsym(RTLD_DEFAULT, "malloc"), &place, &symbol, RTLD_DL_SYMENT);
  const bool is_stub = found == 0 || symbol == nullptr || static_cast<const ElfW(Sym)*>(symbol)->st_shndx == SHN_UNDEF;
  if (is_stub) dladdr(dlsym(RTLD_NEXT, "malloc"), &place);
  return place;
}

[[gnu::constructor]] void testify() {
  const char* const path = std::getenv("TRESTLE_BENCH_WITNESS");
  if (path == nullptr) return;
  const Dl_info place = place_of_malloc();
  const int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0 || place.dli_fname == nullptr) return;
  char line[4096];
  const std::size_t length = std::strlen(place.dli_fname);
  if (length + 1 < sizeof line) {
    std::memcpy(line, place.dli_fname, length);
    line[length] = '\n';
    [[maybe_unused]] const ssize_t written = write(file, line, length + 1);
  }
  close(file);
}

}  // namespace
