// How the harness's own code stays out of what the sanitizers and the fuzzer's feedback measure: the heap is their subject.
#pragma once

#if defined(__clang__)
#define TRESTLE_UNINSTRUMENTED __attribute__((no_sanitize("address", "undefined", "coverage")))
#elif defined(__GNUC__)
#define TRESTLE_UNINSTRUMENTED __attribute__((no_sanitize("address", "undefined")))
#endif

#if defined(__SANITIZE_ADDRESS__)
#define TRESTLE_OPS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TRESTLE_OPS_ASAN 1
#endif
#endif
#ifndef TRESTLE_OPS_ASAN
#define TRESTLE_OPS_ASAN 0
#endif

#if TRESTLE_OPS_ASAN
#include <sanitizer/asan_interface.h>
#endif

#include <cstddef>

namespace trestle::ops {

// From now on AddressSanitizer reports every access to these bytes; without it nothing happens.
inline void forbid_access([[maybe_unused]] const std::byte* at, [[maybe_unused]] std::size_t bytes) noexcept {
#if TRESTLE_OPS_ASAN
  __asan_poison_memory_region(at, bytes);
#endif
}

inline void permit_access([[maybe_unused]] const std::byte* at, [[maybe_unused]] std::size_t bytes) noexcept {
#if TRESTLE_OPS_ASAN
  __asan_unpoison_memory_region(at, bytes);
#endif
}

}  // namespace trestle::ops
