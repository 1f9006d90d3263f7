// Every replaceable operator new and delete. The preload library must not depend on a C++ runtime, since most programs have
// none; whoever calls these has one, so what they need of it is referred to weakly and found in the program.
#include <dlfcn.h>

#include <cstdlib>
#include <new>

#include "shim/family.hpp"

asm(".weak __gxx_personality_v0\n"
    ".weak __cxa_begin_catch\n"
    ".weak __cxa_end_catch\n"
    ".weak _Unwind_Resume\n"
    ".weak _ZSt9terminatev\n"
    ".weak __cxa_call_terminate\n"
    ".weak __clang_call_terminate\n");

extern "C" {
[[gnu::weak]] std::new_handler trestle_runtime_get_new_handler() noexcept asm("_ZSt15get_new_handlerv");
[[gnu::weak, noreturn]] void trestle_runtime_throw_bad_alloc() asm("_ZSt17__throw_bad_allocv");
}

namespace trestle {
namespace {

// A function of the C++ runtime: bound at load, or found now, in a runtime that came in later with a plug-in.
template <class Function>
Function* runtime(Function* bound, const char* symbol) noexcept {
  if (bound != nullptr) return bound;
  if (void* const found = dlsym(RTLD_DEFAULT, symbol)) return reinterpret_cast<Function*>(found);
  for (const char* const name : {"libstdc++.so.6", "libc++.so.1"}) {
    void* const library = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) continue;
    if (void* const found = dlsym(library, symbol)) return reinterpret_cast<Function*>(found);
  }
  return nullptr;
}

std::new_handler current_new_handler() noexcept {
  auto* const get = runtime(&trestle_runtime_get_new_handler, "_ZSt15get_new_handlerv");
  return get != nullptr ? get() : nullptr;
}

[[noreturn]] void throw_bad_alloc() {
  if (auto* const thrower = runtime(&trestle_runtime_throw_bad_alloc, "_ZSt17__throw_bad_allocv")) thrower();
  print_line("operator new: out of memory, and no C++ runtime to throw std::bad_alloc with");
  std::abort();
}

// As the standard says: the handler is called until there is memory or no handler.
__attribute__((noinline)) void* allocate_or_throw_slowly(std::size_t size, std::size_t alignment, Kind kind, const Call& call) {
  for (;;) {
    const std::new_handler handler = current_new_handler();
    if (handler == nullptr) throw_bad_alloc();
    handler();
    if (void* const made = serve(size, alignment, kind, call)) return made;
  }
}

TRESTLE_EDGE void* allocate_or_throw(std::size_t size, std::size_t alignment, Kind kind, const Call& call) {
  if (void* const made = serve(size, alignment, kind, call)) [[likely]] return made;
  return allocate_or_throw_slowly(size, alignment, kind, call);
}

__attribute__((noinline)) void* allocate_or_null_slowly(std::size_t size, std::size_t alignment, Kind kind, const Call& call) noexcept {
  try {
    return allocate_or_throw_slowly(size, alignment, kind, call);
  } catch (...) {
    return nullptr;
  }
}

TRESTLE_EDGE void* allocate_or_null(std::size_t size, std::size_t alignment, Kind kind, const Call& call) noexcept {
  if (void* const made = serve(size, alignment, kind, call)) [[likely]] return made;
  return allocate_or_null_slowly(size, alignment, kind, call);
}

constexpr Release by_new(std::size_t size = Release::kNoClaim, std::size_t alignment = 0) noexcept {
  return {Kind::by_new, size, alignment};
}
constexpr Release by_new_array(std::size_t size = Release::kNoClaim, std::size_t alignment = 0) noexcept {
  return {Kind::by_new_array, size, alignment};
}

constexpr std::size_t bytes(std::align_val_t alignment) noexcept { return static_cast<std::size_t>(alignment); }

}  // namespace
}  // namespace trestle

using namespace trestle;
#define TRESTLE_NEW TRESTLE_CALL("operator new", nullptr)
#define TRESTLE_NEW_ARRAY TRESTLE_CALL("operator new[]", nullptr)
#define TRESTLE_DELETE TRESTLE_CALL("operator delete", block)
#define TRESTLE_DELETE_ARRAY TRESTLE_CALL("operator delete[]", block)

TRESTLE_API void* operator new(std::size_t size) { return allocate_or_throw(size, kMinAlignment, Kind::by_new, TRESTLE_NEW); }
TRESTLE_API void* operator new[](std::size_t size) {
  return allocate_or_throw(size, kMinAlignment, Kind::by_new_array, TRESTLE_NEW_ARRAY);
}
TRESTLE_API void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, bytes(alignment), Kind::by_new, TRESTLE_NEW);
}
TRESTLE_API void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, bytes(alignment), Kind::by_new_array, TRESTLE_NEW_ARRAY);
}
TRESTLE_API void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate_or_null(size, kMinAlignment, Kind::by_new, TRESTLE_NEW);
}
TRESTLE_API void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return allocate_or_null(size, kMinAlignment, Kind::by_new_array, TRESTLE_NEW_ARRAY);
}
TRESTLE_API void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate_or_null(size, bytes(alignment), Kind::by_new, TRESTLE_NEW);
}
TRESTLE_API void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate_or_null(size, bytes(alignment), Kind::by_new_array, TRESTLE_NEW_ARRAY);
}

TRESTLE_API void operator delete(void* block) noexcept { take_back(block, by_new(), TRESTLE_DELETE); }
TRESTLE_API void operator delete[](void* block) noexcept { take_back(block, by_new_array(), TRESTLE_DELETE_ARRAY); }
TRESTLE_API void operator delete(void* block, std::size_t size) noexcept { take_back(block, by_new(size), TRESTLE_DELETE); }
TRESTLE_API void operator delete[](void* block, std::size_t size) noexcept {
  take_back(block, by_new_array(size), TRESTLE_DELETE_ARRAY);
}
TRESTLE_API void operator delete(void* block, std::align_val_t alignment) noexcept {
  take_back(block, by_new(Release::kNoClaim, bytes(alignment)), TRESTLE_DELETE);
}
TRESTLE_API void operator delete[](void* block, std::align_val_t alignment) noexcept {
  take_back(block, by_new_array(Release::kNoClaim, bytes(alignment)), TRESTLE_DELETE_ARRAY);
}
TRESTLE_API void operator delete(void* block, std::size_t size, std::align_val_t alignment) noexcept {
  take_back(block, by_new(size, bytes(alignment)), TRESTLE_DELETE);
}
TRESTLE_API void operator delete[](void* block, std::size_t size, std::align_val_t alignment) noexcept {
  take_back(block, by_new_array(size, bytes(alignment)), TRESTLE_DELETE_ARRAY);
}
TRESTLE_API void operator delete(void* block, const std::nothrow_t&) noexcept { take_back(block, by_new(), TRESTLE_DELETE); }
TRESTLE_API void operator delete[](void* block, const std::nothrow_t&) noexcept {
  take_back(block, by_new_array(), TRESTLE_DELETE_ARRAY);
}
TRESTLE_API void operator delete(void* block, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  take_back(block, by_new(Release::kNoClaim, bytes(alignment)), TRESTLE_DELETE);
}
TRESTLE_API void operator delete[](void* block, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  take_back(block, by_new_array(Release::kNoClaim, bytes(alignment)), TRESTLE_DELETE_ARRAY);
}
