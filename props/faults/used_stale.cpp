//: each realloc reallocarray malloc_usable_size
//: each trestle_realloc trestle_reallocarray trestle_malloc_usable_size
//: fault fast hardened debug: stale pointer in CALL(GIVEN)
// A block that was freed, given to every function that takes a block and keeps it.
#include <malloc.h>

#include "entries.hpp"

constexpr Entry kEntries[] = {
    {"realloc", "realloc", [](void* at) { must(realloc(at, 200) == nullptr); }},
    {"reallocarray", "reallocarray", [](void* at) { must(reallocarray(at, 20, 10) == nullptr); }},
    {"malloc_usable_size", "malloc_usable_size", [](void* at) { must(malloc_usable_size(at) == 0); }},
    {"trestle_realloc", "trestle_realloc", [](void* at) { CALL(trestle_realloc)(at, 200); }},
    {"trestle_reallocarray", "trestle_reallocarray", [](void* at) { CALL(trestle_reallocarray)(at, 20, 10); }},
    {"trestle_malloc_usable_size", "trestle_malloc_usable_size",
     [](void* at) { CALL(trestle_malloc_usable_size)(at); }},
};

int main(int, char** arguments) { return hand_freed_to(entry_named(kEntries, arguments[1])); }
