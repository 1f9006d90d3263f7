// The operators new and delete: recorded as such, with the site of the program's own call, and served by the next malloc. Where
// that has no memory, the next operator does what the standard says: it calls the handler, and throws.
#include <dlfcn.h>

#include <new>

#include "trace/recorder/around.hpp"
#include "trace/recorder/next.hpp"

#define TRESTLE_RECORDED [[gnu::visibility("default")]]

namespace trestle::trace {
namespace {

template <class... Arguments>
void* next_operator(const char* name, Arguments... arguments) {
  using Function = void* (*)(Arguments...);
  const auto function = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
  return function != nullptr ? function(arguments...) : nullptr;
}

// Where there is no memory the next operator asks for it again: what it gets is recorded as its call of malloc.
template <Call call>
[[gnu::always_inline]] inline void* made(std::size_t size, std::uint64_t site) noexcept {
  const Next* const behind = next();
  return behind != nullptr ? begun<call>(size, 0, site, [&] { return behind->malloc(size); }) : nullptr;
}

template <Call call>
[[gnu::always_inline]] inline void* made(std::size_t size, std::align_val_t alignment, std::uint64_t site) noexcept {
  const Next* const behind = next();
  const auto bytes = static_cast<std::size_t>(alignment);
  return behind != nullptr ? begun<call>(size, bytes, site, [&] { return behind->memalign(bytes, size); }) : nullptr;
}

template <Call call>
[[gnu::always_inline]] inline void unmade(void* block, std::size_t size, std::align_val_t alignment,
                                          std::uint64_t site) noexcept {
  if (block == nullptr) return;
  ended<call>(block, size, static_cast<std::size_t>(alignment), site, [&] { next()->free(block); });
}

constexpr std::align_val_t kNone{0};

}  // namespace
}  // namespace trestle::trace

using std::align_val_t;
using std::nothrow_t;
using trestle::trace::Call;
namespace trace = trestle::trace;

TRESTLE_RECORDED void* operator new(std::size_t size) {
  void* const block = trace::made<Call::new_one>(size, TRESTLE_SITE);
  return block != nullptr ? block : trace::next_operator("_Znwm", size);
}
TRESTLE_RECORDED void* operator new[](std::size_t size) {
  void* const block = trace::made<Call::new_array>(size, TRESTLE_SITE);
  return block != nullptr ? block : trace::next_operator("_Znam", size);
}
TRESTLE_RECORDED void* operator new(std::size_t size, const nothrow_t& no) noexcept {
  void* const block = trace::made<Call::new_one>(size, TRESTLE_SITE);
  return block != nullptr ? block : trace::next_operator("_ZnwmRKSt9nothrow_t", size, &no);
}
TRESTLE_RECORDED void* operator new[](std::size_t size, const nothrow_t& no) noexcept {
  void* const block = trace::made<Call::new_array>(size, TRESTLE_SITE);
  return block != nullptr ? block : trace::next_operator("_ZnamRKSt9nothrow_t", size, &no);
}
TRESTLE_RECORDED void* operator new(std::size_t size, align_val_t alignment) {
  void* const block = trace::made<Call::new_aligned>(size, alignment, TRESTLE_SITE);
  return block != nullptr ? block : trace::next_operator("_ZnwmSt11align_val_t", size, alignment);
}
TRESTLE_RECORDED void* operator new[](std::size_t size, align_val_t alignment) {
  void* const block = trace::made<Call::new_array_aligned>(size, alignment, TRESTLE_SITE);
  return block != nullptr ? block : trace::next_operator("_ZnamSt11align_val_t", size, alignment);
}
TRESTLE_RECORDED void* operator new(std::size_t size, align_val_t alignment, const nothrow_t& no) noexcept {
  void* const block = trace::made<Call::new_aligned>(size, alignment, TRESTLE_SITE);
  return block != nullptr ? block : trace::next_operator("_ZnwmSt11align_val_tRKSt9nothrow_t", size, alignment, &no);
}
TRESTLE_RECORDED void* operator new[](std::size_t size, align_val_t alignment, const nothrow_t& no) noexcept {
  void* const block = trace::made<Call::new_array_aligned>(size, alignment, TRESTLE_SITE);
  return block != nullptr ? block : trace::next_operator("_ZnamSt11align_val_tRKSt9nothrow_t", size, alignment, &no);
}

TRESTLE_RECORDED void operator delete(void* block) noexcept {
  trace::unmade<Call::delete_one>(block, 0, trace::kNone, TRESTLE_SITE);
}
TRESTLE_RECORDED void operator delete[](void* block) noexcept {
  trace::unmade<Call::delete_array>(block, 0, trace::kNone, TRESTLE_SITE);
}
TRESTLE_RECORDED void operator delete(void* block, const nothrow_t&) noexcept {
  trace::unmade<Call::delete_one>(block, 0, trace::kNone, TRESTLE_SITE);
}
TRESTLE_RECORDED void operator delete[](void* block, const nothrow_t&) noexcept {
  trace::unmade<Call::delete_array>(block, 0, trace::kNone, TRESTLE_SITE);
}
TRESTLE_RECORDED void operator delete(void* block, std::size_t size) noexcept {
  trace::unmade<Call::delete_sized>(block, size, trace::kNone, TRESTLE_SITE);
}
TRESTLE_RECORDED void operator delete[](void* block, std::size_t size) noexcept {
  trace::unmade<Call::delete_array_sized>(block, size, trace::kNone, TRESTLE_SITE);
}
TRESTLE_RECORDED void operator delete(void* block, align_val_t alignment) noexcept {
  trace::unmade<Call::delete_aligned>(block, 0, alignment, TRESTLE_SITE);
}
TRESTLE_RECORDED void operator delete[](void* block, align_val_t alignment) noexcept {
  trace::unmade<Call::delete_array_aligned>(block, 0, alignment, TRESTLE_SITE);
}
TRESTLE_RECORDED void operator delete(void* block, align_val_t alignment, const nothrow_t&) noexcept {
  trace::unmade<Call::delete_aligned>(block, 0, alignment, TRESTLE_SITE);
}
TRESTLE_RECORDED void operator delete[](void* block, align_val_t alignment, const nothrow_t&) noexcept {
  trace::unmade<Call::delete_array_aligned>(block, 0, alignment, TRESTLE_SITE);
}
TRESTLE_RECORDED void operator delete(void* block, std::size_t size, align_val_t alignment) noexcept {
  trace::unmade<Call::delete_aligned>(block, size, alignment, TRESTLE_SITE);
}
TRESTLE_RECORDED void operator delete[](void* block, std::size_t size, align_val_t alignment) noexcept {
  trace::unmade<Call::delete_array_aligned>(block, size, alignment, TRESTLE_SITE);
}
