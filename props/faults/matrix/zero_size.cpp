//: options symbolizer=none
//: unsymbolized
//: by way malloc new new[] aligned16 aligned64 aligned_new page mebibyte realloc calloc memalign
//: by access read write
//: by at first at8 last
//: killed fast: SEGV
//: fault hardened debug: access past end in CALL
// The address of a request of no bytes can neither be read nor written.
#include <malloc.h>

#include "matrix.hpp"

static const struct {
  const char* name;
  void* (*make)();
} kMakers[] = {
    {"malloc", [] { return malloc(0); }},
    {"new", [] { return ::operator new(0); }},
    {"new[]", [] { return ::operator new[](0); }},
    {"aligned16", [] { return aligned_alloc(16, 0); }},
    {"aligned64", [] { return aligned_alloc(64, 0); }},
    {"aligned_new", [] { return ::operator new(0, std::align_val_t{1024}); }},
    {"page", [] { return valloc(0); }},
    {"mebibyte", [] { return memalign(1 << 20, 0); }},
    {"realloc", [] { return realloc(nullptr, 0); }},
    {"calloc", [] { return calloc(0, 8); }},
    {"memalign", [] { return memalign(8, 0); }},
};

int main(int, char** words) {
  char* const block = hidden(row_named(kMakers, words[1]).make());
  must(block != nullptr);
  char* at = block;
  if (is(words[3], "at8")) at += 8;
  if (is(words[3], "last")) at += 15;
  about_refused(words[2], at, block, 0, 0);
  if (is(words[1], "mebibyte") && !is_fast()) print(STDOUT_FILENO, "alone in a span\n");
  if (is(words[2], "read")) return *(volatile char*)at;
  *(volatile char*)at = 1;
  return 1;
}
