// The functions that are given a pointer, by the words of the cases: those that release, and those that go on with the block.
#pragma once

#include <malloc.h>

#include "matrix.hpp"

extern "C" void free_sized(void* block, size_t size);
extern "C" void free_aligned_sized(void* block, size_t alignment, size_t size);

struct GivenTo {
  const char* name;      // the word
  const char* reported;  // as a report names the function
  void (*call)(void* at);
};
constexpr GivenTo kGivenTo[] = {
    {"free", "free", [](void* at) { free(at); }},
    {"delete", "operator delete", [](void* at) { ::operator delete(at); }},
    {"delete[]", "operator delete[]", [](void* at) { ::operator delete[](at); }},
    {"free_sized", "free_sized", [](void* at) { CALL(free_sized)(at, 8); }},
    {"realloc", "realloc", [](void* at) { must(realloc(at, 100) == nullptr); }},
    {"reallocarray", "reallocarray", [](void* at) { must(reallocarray(at, 10, 10) == nullptr); }},
    {"malloc_usable_size", "malloc_usable_size", [](void* at) { must(malloc_usable_size(at) == 0); }},
};

// Hands it over, and says so.
inline int hand(const char* to, const void* at) {
  const GivenTo& what = row_named(kGivenTo, to);
  print(STDOUT_FILENO, "call %s\n", what.reported);
  give(at);
  what.call(hidden(at));
  return ok();
}
