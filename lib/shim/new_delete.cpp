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

// A program may replace the base forms alone; the standard then has the derived forms forward to them. So each base form has
// a second, hidden name, by which ours are told from the program's.
#define TRESTLE_OWN(name, symbol)                                                                     \
  extern "C" __attribute__((visibility("hidden"))) char trestle_own_##name asm("trestle_own_" #name); \
  asm(".hidden trestle_own_" #name "\n.globl trestle_own_" #name "\n.set trestle_own_" #name ", " #symbol "\n");
TRESTLE_OWN(new, _Znwm)
TRESTLE_OWN(new_array, _Znam)
TRESTLE_OWN(aligned_new, _ZnwmSt11align_val_t)
TRESTLE_OWN(aligned_new_array, _ZnamSt11align_val_t)
TRESTLE_OWN(delete, _ZdlPv)
TRESTLE_OWN(delete_array, _ZdaPv)
TRESTLE_OWN(aligned_delete, _ZdlPvSt11align_val_t)
TRESTLE_OWN(aligned_delete_array, _ZdaPvSt11align_val_t)

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
__attribute__((noinline)) void* allocate_or_throw_slowly(std::size_t size, std::size_t alignment, Kind kind,
                                                         const Call& call) {
  for (;;) {
    const std::new_handler handler = current_new_handler();
    if (handler == nullptr) throw_bad_alloc();
    handler();
    if (void* const made = serve(size, alignment, kind, call)) return made;
  }
}

TRESTLE_EDGE void* allocate_or_throw(std::size_t size, std::size_t alignment, Kind kind, const Call& call) {
  if (void* const made = serve(size, alignment, kind, call)) [[likely]]
    return made;
  return allocate_or_throw_slowly(size, alignment, kind, call);
}

// Throws nothing itself, so that a program whose runtime came in too late for our weak references needs no catch.
__attribute__((noinline)) void* allocate_or_null_slowly(std::size_t size, std::size_t alignment, Kind kind,
                                                        const Call& call) noexcept {
  for (;;) {
    const std::new_handler handler = current_new_handler();
    if (handler == nullptr) return nullptr;
    try {
      handler();
    } catch (...) {
      return nullptr;
    }
    if (void* const made = serve(size, alignment, kind, call)) return made;
  }
}

TRESTLE_EDGE void* allocate_or_null(std::size_t size, std::size_t alignment, Kind kind, const Call& call) noexcept {
  if (void* const made = serve(size, alignment, kind, call)) [[likely]]
    return made;
  return allocate_or_null_slowly(size, alignment, kind, call);
}

// What a replaced base form gives, for a nothrow form.
template <class Allocate>
void* null_if_it_throws(Allocate allocate) noexcept {
  try {
    return allocate();
  } catch (...) {
    return nullptr;
  }
}

constexpr Release by_new(std::size_t size = Release::kNoClaim, std::size_t alignment = 0) noexcept {
  return {Kind::by_new, size, alignment};
}
constexpr Release by_new_array(std::size_t size = Release::kNoClaim, std::size_t alignment = 0) noexcept {
  return {Kind::by_new_array, size, alignment};
}

constexpr std::size_t bytes(std::align_val_t alignment) noexcept { return static_cast<std::size_t>(alignment); }

using New = void*(std::size_t);
using AlignedNew = void*(std::size_t, std::align_val_t);
using Delete = void(void*) noexcept;
using AlignedDelete = void(void*, std::align_val_t) noexcept;

// Whether the public name leads elsewhere than our own second one. The linker decides that, so the compiler must not.
template <class Function>
bool is_replaced(Function* publicly, const char& own) noexcept {
  Function* volatile seen = publicly;
  return reinterpret_cast<const void*>(seen) != static_cast<const void*>(&own);
}

}  // namespace
}  // namespace trestle

using namespace trestle;

// Weak, so that a program linked with the static library may define some forms and take the others from here.
#define TRESTLE_FORM TRESTLE_API __attribute__((weak))
#define TRESTLE_NEW TRESTLE_CALL("operator new", nullptr)
#define TRESTLE_NEW_ARRAY TRESTLE_CALL("operator new[]", nullptr)
#define TRESTLE_DELETE TRESTLE_CALL("operator delete", block)
#define TRESTLE_DELETE_ARRAY TRESTLE_CALL("operator delete[]", block)
// What it is given are parts of names, which take no brackets.
// NOLINTNEXTLINE(bugprone-macro-parentheses)
#define TRESTLE_REPLACED(type, form, name) is_replaced(static_cast<type*>(&::operator form), trestle_own_##name)

// Base forms, and the array forms whose default is the base form of one object.

TRESTLE_FORM void* operator new(std::size_t size) {
  if (void* const made = serve_hot(size, Kind::by_new)) [[likely]]
    return made;
  return allocate_or_throw(size, kMinAlignment, Kind::by_new, TRESTLE_NEW);
}
TRESTLE_FORM void* operator new[](std::size_t size) {
  if (TRESTLE_REPLACED(New, new, new)) [[unlikely]]
    return ::operator new(size);
  if (void* const made = serve_hot(size, Kind::by_new_array)) [[likely]]
    return made;
  return allocate_or_throw(size, kMinAlignment, Kind::by_new_array, TRESTLE_NEW_ARRAY);
}
TRESTLE_FORM void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, bytes(alignment), Kind::by_new, TRESTLE_NEW);
}
TRESTLE_FORM void* operator new[](std::size_t size, std::align_val_t alignment) {
  if (TRESTLE_REPLACED(AlignedNew, new, aligned_new)) [[unlikely]]
    return ::operator new(size, alignment);
  return allocate_or_throw(size, bytes(alignment), Kind::by_new_array, TRESTLE_NEW_ARRAY);
}
TRESTLE_FORM void operator delete(void* block) noexcept {
  if (take_back_hot(block, by_new())) [[likely]]
    return;
  take_back(block, by_new(), TRESTLE_DELETE);
}
TRESTLE_FORM void operator delete[](void* block) noexcept {
  if (TRESTLE_REPLACED(Delete, delete, delete)) [[unlikely]]
    return ::operator delete(block);
  if (take_back_hot(block, by_new_array())) [[likely]]
    return;
  take_back(block, by_new_array(), TRESTLE_DELETE_ARRAY);
}
TRESTLE_FORM void operator delete(void* block, std::align_val_t alignment) noexcept {
  take_back(block, by_new(Release::kNoClaim, bytes(alignment)), TRESTLE_DELETE);
}
TRESTLE_FORM void operator delete[](void* block, std::align_val_t alignment) noexcept {
  if (TRESTLE_REPLACED(AlignedDelete, delete, aligned_delete)) [[unlikely]]
    return ::operator delete(block, alignment);
  take_back(block, by_new_array(Release::kNoClaim, bytes(alignment)), TRESTLE_DELETE_ARRAY);
}

// Forms that must not throw.

TRESTLE_FORM void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  if (TRESTLE_REPLACED(New, new, new)) [[unlikely]]
    return null_if_it_throws([=] { return ::operator new(size); });
  return allocate_or_null(size, kMinAlignment, Kind::by_new, TRESTLE_NEW);
}
TRESTLE_FORM void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  const bool replaced = TRESTLE_REPLACED(New, new[], new_array) || TRESTLE_REPLACED(New, new, new);
  if (replaced) [[unlikely]]
    return null_if_it_throws([=] { return ::operator new[](size); });
  return allocate_or_null(size, kMinAlignment, Kind::by_new_array, TRESTLE_NEW_ARRAY);
}
TRESTLE_FORM void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  if (TRESTLE_REPLACED(AlignedNew, new, aligned_new)) [[unlikely]] {
    return null_if_it_throws([=] { return ::operator new(size, alignment); });
  }
  return allocate_or_null(size, bytes(alignment), Kind::by_new, TRESTLE_NEW);
}
TRESTLE_FORM void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  const bool replaced =
      TRESTLE_REPLACED(AlignedNew, new[], aligned_new_array) || TRESTLE_REPLACED(AlignedNew, new, aligned_new);
  if (replaced) [[unlikely]]
    return null_if_it_throws([=] { return ::operator new[](size, alignment); });
  return allocate_or_null(size, bytes(alignment), Kind::by_new_array, TRESTLE_NEW_ARRAY);
}

// Releases that claim a size, and those that a throwing constructor calls: where the base form is ours, they are ours down to
// the call that a report shows.

namespace {

bool is_delete_replaced() noexcept { return TRESTLE_REPLACED(Delete, delete, delete); }
bool is_delete_array_replaced() noexcept {
  return TRESTLE_REPLACED(Delete, delete[], delete_array) || is_delete_replaced();
}
bool is_aligned_delete_replaced() noexcept { return TRESTLE_REPLACED(AlignedDelete, delete, aligned_delete); }
bool is_aligned_delete_array_replaced() noexcept {
  return TRESTLE_REPLACED(AlignedDelete, delete[], aligned_delete_array) || is_aligned_delete_replaced();
}

}  // namespace

TRESTLE_FORM void operator delete(void* block, std::size_t size) noexcept {
  if (is_delete_replaced()) [[unlikely]]
    return ::operator delete(block);
  if (take_back_hot(block, by_new(size))) [[likely]]
    return;
  take_back(block, by_new(size), TRESTLE_DELETE);
}
TRESTLE_FORM void operator delete[](void* block, std::size_t size) noexcept {
  if (is_delete_array_replaced()) [[unlikely]]
    return ::operator delete[](block);
  if (take_back_hot(block, by_new_array(size))) [[likely]]
    return;
  take_back(block, by_new_array(size), TRESTLE_DELETE_ARRAY);
}
TRESTLE_FORM void operator delete(void* block, std::size_t size, std::align_val_t alignment) noexcept {
  if (is_aligned_delete_replaced()) [[unlikely]]
    return ::operator delete(block, alignment);
  take_back(block, by_new(size, bytes(alignment)), TRESTLE_DELETE);
}
TRESTLE_FORM void operator delete[](void* block, std::size_t size, std::align_val_t alignment) noexcept {
  if (is_aligned_delete_array_replaced()) [[unlikely]]
    return ::operator delete[](block, alignment);
  take_back(block, by_new_array(size, bytes(alignment)), TRESTLE_DELETE_ARRAY);
}
TRESTLE_FORM void operator delete(void* block, const std::nothrow_t&) noexcept {
  if (is_delete_replaced()) [[unlikely]]
    return ::operator delete(block);
  take_back(block, by_new(), TRESTLE_DELETE);
}
TRESTLE_FORM void operator delete[](void* block, const std::nothrow_t&) noexcept {
  if (is_delete_array_replaced()) [[unlikely]]
    return ::operator delete[](block);
  take_back(block, by_new_array(), TRESTLE_DELETE_ARRAY);
}
TRESTLE_FORM void operator delete(void* block, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  if (is_aligned_delete_replaced()) [[unlikely]]
    return ::operator delete(block, alignment);
  take_back(block, by_new(Release::kNoClaim, bytes(alignment)), TRESTLE_DELETE);
}
TRESTLE_FORM void operator delete[](void* block, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  if (is_aligned_delete_array_replaced()) [[unlikely]]
    return ::operator delete[](block, alignment);
  take_back(block, by_new_array(Release::kNoClaim, bytes(alignment)), TRESTLE_DELETE_ARRAY);
}
