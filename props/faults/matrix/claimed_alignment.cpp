//: options symbolizer=none
//: unsymbolized
//: by size 8B 4KiB 256KiB 8MiB
//: by way free_aligned_sized delete delete_sized delete[] delete[]_sized
//: fault hardened debug: alignment mismatch in CALL(GIVEN)
// A release that claims an alignment that the block does not have. Under fast nobody looks.
#include "calls.hpp"

constexpr std::align_val_t kWide{1 << 20};

struct Release {
  const char* name;      // the word
  const char* reported;  // as a report names it
  size_t made_by;        // index of a way
  void (*call)(void* at, size_t size);
};
constexpr Release kReleases[] = {
    {"free_aligned_sized", "free_aligned_sized", 0,
     [](void* at, size_t size) { CALL(free_aligned_sized)(at, 1 << 20, size); }},
    {"delete", "operator delete", 1, [](void* at, size_t) { ::operator delete(at, kWide); }},
    {"delete_sized", "operator delete", 1, [](void* at, size_t size) { ::operator delete(at, size, kWide); }},
    {"delete[]", "operator delete[]", 2, [](void* at, size_t) { ::operator delete[](at, kWide); }},
    {"delete[]_sized", "operator delete[]", 2, [](void* at, size_t size) { ::operator delete[](at, size, kWide); }},
};

int main(int, char** words) {
  const size_t size = bytes_of(words[1]);
  const Release& release = row_named(kReleases, words[2]);
  const Way& way = kWays[release.made_by];
  char* block = made(way, size);
  while (reinterpret_cast<uintptr_t>(block) % (1 << 20) == 0) block = made(way, size);
  print(STDOUT_FILENO, "call %s\n", release.reported);
  give(block);
  about_live(way, block, size);
  release.call(block, size);
  return ok();
}
