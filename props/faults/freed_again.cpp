//: each free free_sized free_aligned_sized trestle_free trestle_free_sized trestle_free_aligned_sized
//: each delete delete_sized delete_aligned delete_sized_aligned delete_nothrow delete_aligned_nothrow
//: each array array_sized array_aligned array_sized_aligned array_nothrow array_aligned_nothrow
//: fault fast hardened debug: double free in CALL(GIVEN)
// A block that was freed, given to every function that releases.
#include <new>

#include "entries.hpp"

extern "C" void free_sized(void* block, size_t size);
extern "C" void free_aligned_sized(void* block, size_t alignment, size_t size);

constexpr std::align_val_t kAligned{16};
constexpr const char* kDelete = "operator delete";
constexpr const char* kArray = "operator delete[]";

constexpr Entry kEntries[] = {
    {"free", "free", [](void* at) { free(at); }},
    {"free_sized", "free_sized", [](void* at) { CALL(free_sized)(at, 100); }},
    {"free_aligned_sized", "free_aligned_sized", [](void* at) { CALL(free_aligned_sized)(at, 16, 100); }},
    {"trestle_free", "trestle_free", [](void* at) { CALL(trestle_free)(at); }},
    {"trestle_free_sized", "trestle_free_sized", [](void* at) { CALL(trestle_free_sized)(at, 100); }},
    {"trestle_free_aligned_sized", "trestle_free_aligned_sized",
     [](void* at) { CALL(trestle_free_aligned_sized)(at, 16, 100); }},
    {"delete", kDelete, [](void* at) { ::operator delete(at); }},
    {"delete_sized", kDelete, [](void* at) { ::operator delete(at, 100); }},
    {"delete_aligned", kDelete, [](void* at) { ::operator delete(at, kAligned); }},
    {"delete_sized_aligned", kDelete, [](void* at) { ::operator delete(at, 100, kAligned); }},
    {"delete_nothrow", kDelete, [](void* at) { ::operator delete(at, std::nothrow); }},
    {"delete_aligned_nothrow", kDelete, [](void* at) { ::operator delete(at, kAligned, std::nothrow); }},
    {"array", kArray, [](void* at) { ::operator delete[](at); }},
    {"array_sized", kArray, [](void* at) { ::operator delete[](at, 100); }},
    {"array_aligned", kArray, [](void* at) { ::operator delete[](at, kAligned); }},
    {"array_sized_aligned", kArray, [](void* at) { ::operator delete[](at, 100, kAligned); }},
    {"array_nothrow", kArray, [](void* at) { ::operator delete[](at, std::nothrow); }},
    {"array_aligned_nothrow", kArray, [](void* at) { ::operator delete[](at, kAligned, std::nothrow); }},
};

int main(int, char** arguments) { return hand_freed_to(entry_named(kEntries, arguments[1])); }
