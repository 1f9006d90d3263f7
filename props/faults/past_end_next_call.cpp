//: options check_every=1
//: each malloc calloc aligned_alloc posix_memalign memalign valloc pvalloc realloc reallocarray
//: each trestle_malloc trestle_calloc trestle_aligned_alloc trestle_posix_memalign trestle_memalign trestle_valloc
//: each trestle_pvalloc trestle_realloc trestle_reallocarray
//: each new new_aligned new_nothrow new_aligned_nothrow array array_aligned array_nothrow array_aligned_nothrow
//: fault hardened debug: write past end in CALL
// One byte past a request. With check_every=1 every function that allocates finds it.
#include <malloc.h>

#include <new>

#include "entries.hpp"

constexpr std::align_val_t kAligned{64};
constexpr const char* kNew = "operator new";
constexpr const char* kArray = "operator new[]";

constexpr Entry kEntries[] = {
    {"malloc", "malloc", [](void*) { must(malloc(1) != nullptr); }},
    {"calloc", "calloc", [](void*) { must(calloc(1, 1) != nullptr); }},
    {"aligned_alloc", "aligned_alloc", [](void*) { must(aligned_alloc(64, 64) != nullptr); }},
    {"posix_memalign", "posix_memalign", [](void* at) { must(posix_memalign(&at, 64, 1) == 0); }},
    {"memalign", "memalign", [](void*) { must(memalign(64, 1) != nullptr); }},
    {"valloc", "valloc", [](void*) { must(valloc(1) != nullptr); }},
    {"pvalloc", "pvalloc", [](void*) { must(pvalloc(1) != nullptr); }},
    {"realloc", "realloc", [](void*) { must(realloc(nullptr, 1) != nullptr); }},
    {"reallocarray", "reallocarray", [](void*) { must(reallocarray(nullptr, 1, 1) != nullptr); }},
    {"trestle_malloc", "trestle_malloc", [](void*) { CALL(trestle_malloc)(1); }},
    {"trestle_calloc", "trestle_calloc", [](void*) { CALL(trestle_calloc)(1, 1); }},
    {"trestle_aligned_alloc", "trestle_aligned_alloc", [](void*) { CALL(trestle_aligned_alloc)(64, 64); }},
    {"trestle_posix_memalign", "trestle_posix_memalign", [](void* at) { CALL(trestle_posix_memalign)(&at, 64, 1); }},
    {"trestle_memalign", "trestle_memalign", [](void*) { CALL(trestle_memalign)(64, 1); }},
    {"trestle_valloc", "trestle_valloc", [](void*) { CALL(trestle_valloc)(1); }},
    {"trestle_pvalloc", "trestle_pvalloc", [](void*) { CALL(trestle_pvalloc)(1); }},
    {"trestle_realloc", "trestle_realloc", [](void*) { CALL(trestle_realloc)(nullptr, 1); }},
    {"trestle_reallocarray", "trestle_reallocarray", [](void*) { CALL(trestle_reallocarray)(nullptr, 1, 1); }},
    {"new", kNew, [](void*) { hidden(::operator new(1)); }},
    {"new_aligned", kNew, [](void*) { hidden(::operator new(1, kAligned)); }},
    {"new_nothrow", kNew, [](void*) { hidden(::operator new(1, std::nothrow)); }},
    {"new_aligned_nothrow", kNew, [](void*) { hidden(::operator new(1, kAligned, std::nothrow)); }},
    {"array", kArray, [](void*) { hidden(::operator new[](1)); }},
    {"array_aligned", kArray, [](void*) { hidden(::operator new[](1, kAligned)); }},
    {"array_nothrow", kArray, [](void*) { hidden(::operator new[](1, std::nothrow)); }},
    {"array_aligned_nothrow", kArray, [](void*) { hidden(::operator new[](1, kAligned, std::nothrow)); }},
};

int main(int, char** arguments) {
  char* const block = hidden(malloc(24));
  overwrite(block + 24, 0);
  about(block, 24);
  entry_named(kEntries, arguments[1]).call(nullptr);
  return ok();
}
