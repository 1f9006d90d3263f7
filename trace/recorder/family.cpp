// The malloc family: each call goes to the next malloc, and is recorded.
#include <cerrno>

#include "trace/recorder/around.hpp"
#include "trace/recorder/next.hpp"

#define TRESTLE_RECORDED extern "C" [[gnu::visibility("default")]]

namespace trestle::trace {
namespace {

std::size_t product(std::size_t count, std::size_t size) noexcept {
  std::size_t bytes = 0;
  return __builtin_mul_overflow(count, size, &bytes) ? SIZE_MAX : bytes;
}

void* without_memory() noexcept {
  errno = ENOMEM;
  return nullptr;
}

template <Call call, class Serve>
[[gnu::always_inline]] inline void* aligned(std::size_t alignment, std::size_t size, std::uint64_t site,
                                            Serve serve) noexcept {
  const Next* const behind = next();
  return behind == nullptr ? without_memory() : begun<call>(size, alignment, site, [&] { return serve(*behind); });
}

}  // namespace
}  // namespace trestle::trace

using trestle::trace::Call;
using trestle::trace::Next;
namespace trace = trestle::trace;

TRESTLE_RECORDED void* malloc(std::size_t size) noexcept {
  const Next* const behind = trace::next();
  if (behind == nullptr) [[unlikely]]
    return trace::first_memory(size);
  return trace::begun<Call::malloc>(size, 0, TRESTLE_SITE, [&] { return behind->malloc(size); });
}

TRESTLE_RECORDED void* calloc(std::size_t count, std::size_t size) noexcept {
  const Next* const behind = trace::next();
  if (behind == nullptr) [[unlikely]]
    return trace::first_memory(trace::product(count, size));
  return trace::begun<Call::calloc>(trace::product(count, size), 0, TRESTLE_SITE,
                                    [&] { return behind->calloc(count, size); });
}

TRESTLE_RECORDED void* realloc(void* block, std::size_t size) noexcept {
  const Next* const behind = trace::next();
  if (behind == nullptr || trace::is_first_memory(block)) [[unlikely]]
    return trace::moved_first_memory(block, size);
  return trace::resized<Call::realloc>(block, size, TRESTLE_SITE, [&] { return behind->realloc(block, size); });
}

TRESTLE_RECORDED void* reallocarray(void* block, std::size_t count, std::size_t size) noexcept {
  const Next* const behind = trace::next();
  const std::size_t bytes = trace::product(count, size);
  if (behind == nullptr || trace::is_first_memory(block)) [[unlikely]]
    return trace::moved_first_memory(block, bytes);
  return trace::resized<Call::reallocarray>(block, bytes, TRESTLE_SITE, [&] {
    if (behind->reallocarray != nullptr) return behind->reallocarray(block, count, size);
    return bytes == SIZE_MAX ? trace::without_memory() : behind->realloc(block, bytes);
  });
}

TRESTLE_RECORDED void free(void* block) noexcept {
  if (block == nullptr || trace::is_first_memory(block)) return;
  trace::ended<Call::free>(block, 0, 0, TRESTLE_SITE, [&] { trace::next()->free(block); });
}

TRESTLE_RECORDED void free_sized(void* block, std::size_t size) noexcept {
  if (block == nullptr || trace::is_first_memory(block)) return;
  trace::ended<Call::free_sized>(block, size, 0, TRESTLE_SITE, [&] {
    const Next* const behind = trace::next();
    return behind->free_sized != nullptr ? behind->free_sized(block, size) : behind->free(block);
  });
}

TRESTLE_RECORDED void free_aligned_sized(void* block, std::size_t alignment, std::size_t size) noexcept {
  if (block == nullptr || trace::is_first_memory(block)) return;
  trace::ended<Call::free_aligned_sized>(block, size, alignment, TRESTLE_SITE, [&] {
    const Next* const behind = trace::next();
    return behind->free_aligned_sized != nullptr ? behind->free_aligned_sized(block, alignment, size)
                                                 : behind->free(block);
  });
}

TRESTLE_RECORDED void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return trace::aligned<Call::aligned_alloc>(alignment, size, TRESTLE_SITE,
                                             [&](const Next& behind) { return behind.aligned_alloc(alignment, size); });
}

TRESTLE_RECORDED int posix_memalign(void** to, std::size_t alignment, std::size_t size) noexcept {
  const Next* const behind = trace::next();
  if (behind == nullptr) [[unlikely]]
    return ENOMEM;
  int error = 0;
  trace::begun<Call::posix_memalign>(size, alignment, TRESTLE_SITE, [&] {
    error = behind->posix_memalign(to, alignment, size);
    return error == 0 ? *to : nullptr;
  });
  return error;
}

TRESTLE_RECORDED void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return trace::aligned<Call::memalign>(alignment, size, TRESTLE_SITE,
                                        [&](const Next& behind) { return behind.memalign(alignment, size); });
}

TRESTLE_RECORDED void* valloc(std::size_t size) noexcept {
  return trace::aligned<Call::valloc>(0, size, TRESTLE_SITE, [&](const Next& behind) { return behind.valloc(size); });
}

TRESTLE_RECORDED void* pvalloc(std::size_t size) noexcept {
  return trace::aligned<Call::pvalloc>(0, size, TRESTLE_SITE, [&](const Next& behind) { return behind.pvalloc(size); });
}
