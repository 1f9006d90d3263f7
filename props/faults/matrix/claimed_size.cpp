//: options symbolizer=none
//: unsymbolized
//: by size 8B 4KiB 256KiB 8MiB
//: by way free_sized free_aligned_sized delete delete_aligned delete[] delete[]_aligned
//: by claimed one_less one_more half twice
//: fault hardened debug: size mismatch in CALL(GIVEN)
// A release that claims another size than was requested. Under fast nothing knows the size of a slot, and nobody looks.
#include "calls.hpp"

constexpr std::align_val_t kAligned{64};

struct Release {
  const char* name;      // the word
  const char* reported;  // as a report names it
  size_t made_by;        // index of a way
  void (*call)(void* at, size_t size);
};
constexpr Release kReleases[] = {
    {"free_sized", "free_sized", 0, [](void* at, size_t size) { CALL(free_sized)(at, size); }},
    {"free_aligned_sized", "free_aligned_sized", 3,
     [](void* at, size_t size) { CALL(free_aligned_sized)(at, 64, size); }},
    {"delete", "operator delete", 1, [](void* at, size_t size) { ::operator delete(at, size); }},
    {"delete_aligned", "operator delete", 4, [](void* at, size_t size) { ::operator delete(at, size, kAligned); }},
    {"delete[]", "operator delete[]", 2, [](void* at, size_t size) { ::operator delete[](at, size); }},
    {"delete[]_aligned", "operator delete[]", 5,
     [](void* at, size_t size) { ::operator delete[](at, size, kAligned); }},
};
constexpr Way kWaysOfNew[] = {
    kWays[0],
    kWays[1],
    kWays[2],
    kWays[3],
    {"aligned_new", "operator new", "operator delete", 64, [](size_t size) { return ::operator new(size, kAligned); },
     nullptr},
    {"aligned_new[]", "operator new[]", "operator delete[]", 64,
     [](size_t size) { return ::operator new[](size, kAligned); }, nullptr},
};

int main(int, char** words) {
  const size_t size = bytes_of(words[1]);
  const Release& release = row_named(kReleases, words[2]);
  const Way& way = kWaysOfNew[release.made_by];
  char* const block = made(way, size);
  size_t claimed = is(words[3], "one_less") ? size - 1 : size + 1;
  if (is(words[3], "half")) claimed = size / 2;
  if (is(words[3], "twice")) claimed = size * 2;
  print(STDOUT_FILENO, "call %s\n", release.reported);
  give(block);
  about_live(way, block, size);
  release.call(block, claimed);
  return ok();
}
