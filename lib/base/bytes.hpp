// Filling and copying bytes. Where the library marks its bytes for AddressSanitizer the C library's functions, which look at
// the marks, are not for the heap: it writes to what is nobody's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/marks.hpp"

namespace trestle {

inline void fill(std::byte* at, std::size_t bytes, std::uint8_t value) noexcept {
  if constexpr (!kTellsAsan) {
    std::memset(at, value, bytes);
    return;
  }
  for (std::size_t i = 0; i < bytes; ++i) {
    at[i] = std::byte{value};
    asm volatile("" : : : "memory");  // no call is made of the loop
  }
}

// They do not overlap.
inline void copy_bytes(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
  if constexpr (!kTellsAsan) {
    std::memcpy(to, from, bytes);
    return;
  }
  for (std::size_t i = 0; i < bytes; ++i) {
    to[i] = from[i];
    asm volatile("" : : : "memory");
  }
}

}  // namespace trestle
