// The malloc family, each function once: the standard's names and the prefixed ones share these. All are inlined into the
// exported function, so that the report's stack begins at its caller.
#pragma once

#include <unistd.h>

#include "base/arith.hpp"
#include "shim/process_heap.hpp"

namespace trestle {

#define TRESTLE_EDGE inline __attribute__((always_inline))

TRESTLE_EDGE void* edge_aligned_alloc(std::size_t alignment, std::size_t size, const Call& call) noexcept {
  if (!is_power_of_two(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  return serve(size, alignment, Kind::by_malloc, call);
}

// As glibc: an alignment that is no power of two is rounded up to one.
TRESTLE_EDGE void* edge_memalign(std::size_t alignment, std::size_t size, const Call& call) noexcept {
  if (alignment > PTRDIFF_MAX) {
    errno = EINVAL;
    return nullptr;
  }
  return serve(size, std::bit_ceil(alignment), Kind::by_malloc, call);
}

TRESTLE_EDGE int edge_posix_memalign(void** block, std::size_t alignment, std::size_t size, const Call& call) noexcept {
  if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  const int kept = errno;
  void* const made = serve(size, alignment, Kind::by_malloc, call);
  errno = kept;  // POSIX: the error is the result
  if (made == nullptr) return ENOMEM;
  *block = made;
  return 0;
}

TRESTLE_EDGE void* edge_reallocarray(void* block, std::size_t count, std::size_t size, const Call& call) noexcept {
  const std::optional<std::size_t> bytes = checked_multiply(count, size);
  if (!bytes) {
    errno = ENOMEM;
    return nullptr;
  }
  return serve_again(block, *bytes, call);
}

TRESTLE_EDGE void* edge_pvalloc(std::size_t size, const Call& call) noexcept {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  if (size > PTRDIFF_MAX) {
    errno = ENOMEM;
    return nullptr;
  }
  return serve(align_up(size, page), page, Kind::by_malloc, call);
}

TRESTLE_EDGE void* edge_valloc(std::size_t size, const Call& call) noexcept {
  return serve(size, static_cast<std::size_t>(sysconf(_SC_PAGESIZE)), Kind::by_malloc, call);
}

}  // namespace trestle
