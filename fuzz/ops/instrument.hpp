// How the harness's own code stays out of what the sanitizers and the fuzzer's feedback measure: the heap is their subject.
#pragma once

#include <cstddef>

#include "base/sanitize.hpp"

// What a function of the harness's own does is no feedback: it would be rewarded beside what the heap does, and paid for.
#if defined(__clang__)
#define TRESTLE_NO_FEEDBACK __attribute__((no_sanitize("coverage")))
#else
#define TRESTLE_NO_FEEDBACK
#endif

namespace trestle::ops {

// From now on AddressSanitizer reports every access to these bytes; without it nothing happens.
inline void forbid_access([[maybe_unused]] const std::byte* at, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(TRESTLE_UNDER_ASAN)
  __asan_poison_memory_region(at, bytes);
#endif
}

inline void permit_access([[maybe_unused]] const std::byte* at, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(TRESTLE_UNDER_ASAN)
  __asan_unpoison_memory_region(at, bytes);
#endif
}

}  // namespace trestle::ops
