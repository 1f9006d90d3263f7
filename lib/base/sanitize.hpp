// What the code tells the sanitizers. The heap reads whole ranges of its own bytes at every check; under AddressSanitizer a
// range is asked about once, in front, and then read without a question a byte.
#pragma once

#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TRESTLE_UNDER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define TRESTLE_UNDER_ASAN 1
#endif

#if defined(TRESTLE_UNDER_ASAN)
#include <sanitizer/asan_interface.h>
#if defined(__clang__)
#define TRESTLE_READS_WHOLE_RANGES __attribute__((no_sanitize("address", "undefined", "coverage")))
#else
#define TRESTLE_READS_WHOLE_RANGES __attribute__((no_sanitize("address", "undefined")))
#endif
#else
#define TRESTLE_READS_WHOLE_RANGES
#endif

// A function that reads words of which only some bytes are the heap's own, and takes no notice of the others, which their
// owner may be writing meanwhile.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TRESTLE_READS_BESIDE_OWNERS __attribute__((no_sanitize("thread")))
#endif
#elif defined(__SANITIZE_THREAD__)
// g++ would otherwise have the caller load what the function is to look at, and instrument the load there.
#define TRESTLE_READS_BESIDE_OWNERS __attribute__((no_sanitize("thread"), noipa))
#endif
#if !defined(TRESTLE_READS_BESIDE_OWNERS)
#define TRESTLE_READS_BESIDE_OWNERS TRESTLE_READS_WHOLE_RANGES
#endif

namespace trestle {

// The sanitizers' shadows are reserved by the tebibyte, and may be written to.
#if defined(TRESTLE_UNDER_ASAN) || defined(TRESTLE_TELLS_ASAN) || defined(__SANITIZE_THREAD__)
inline constexpr bool kHasShadow = true;
#elif defined(__has_feature)
inline constexpr bool kHasShadow = __has_feature(thread_sanitizer);
#else
inline constexpr bool kHasShadow = false;
#endif

// AddressSanitizer reports the first byte of the range that may not be read; without it nothing happens.
inline void assert_readable([[maybe_unused]] const std::byte* at, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(TRESTLE_UNDER_ASAN)
  void* const wrong = __asan_region_is_poisoned(const_cast<std::byte*>(at), bytes);
  if (wrong != nullptr) [[unlikely]]
    (void)*static_cast<volatile std::byte*>(wrong);
#endif
}

}  // namespace trestle
