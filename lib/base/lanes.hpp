// Lanes: the bytes that are read or written at once, by whatever looks at or fills whole slots. How wide one is, is chosen when
// the library is compiled, by what the compiler may take of the processor (`-march`); where it has no vectors, a lane is a
// word. All widths do the same to the same bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/sanitize.hpp"

namespace trestle {

inline constexpr std::size_t kStep16 = 16;
inline constexpr std::size_t kLine64 = 64;

#if defined(__AVX512BW__)
inline constexpr std::size_t kLaneBytes = 64;
#elif defined(__AVX2__)
inline constexpr std::size_t kLaneBytes = 32;
#elif defined(__SSE2__) || defined(__ARM_NEON) || defined(__ALTIVEC__)
inline constexpr std::size_t kLaneBytes = 16;
#else
inline constexpr std::size_t kLaneBytes = 8;
#endif

template <std::size_t Width>
struct WordsOf;
template <>
struct WordsOf<8> {
  using Type = std::uint64_t __attribute__((vector_size(8)));
};
template <>
struct WordsOf<16> {
  using Type = std::uint64_t __attribute__((vector_size(16)));
};
template <>
struct WordsOf<32> {
  using Type = std::uint64_t __attribute__((vector_size(32)));
};
template <>
struct WordsOf<64> {
  using Type = std::uint64_t __attribute__((vector_size(64)));
};

// By reference wherever one is handed on: how wide ones are passed by value depends on the processor.
template <std::size_t Width>
struct Lane {
  using Words = typename WordsOf<Width>::Type;
  Words words{};

  Lane() noexcept = default;
  // The word, over and over.
  explicit Lane(std::uint64_t word) noexcept : words(Words{} + word) {}

  [[nodiscard]] bool is_zero() const noexcept {
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < Width / sizeof any; ++i) any |= words[i];
    return any == 0;
  }
};

// What is less than a lane, 16 bytes, is dealt with in what is no wider than that.
template <std::size_t Width>
using ShortLane = Lane<std::min(Width, kStep16)>;

template <std::size_t Bytes, std::size_t Width>
inline void store_lanes(std::byte* at, const Lane<Width>& lane) noexcept {
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Bytes; i += Width) __builtin_memcpy(at + i, &lane.words, Width);
}
// Sets in `differences` each bit of these bytes that is not as in the lane.
template <std::size_t Bytes, std::size_t Width>
TRESTLE_READS_WHOLE_RANGES inline void add_differences(Lane<Width>& differences, const std::byte* at,
                                                       const Lane<Width>& wanted) noexcept {
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Bytes; i += Width) {
    typename Lane<Width>::Words found;
    __builtin_memcpy(&found, at + i, Width);
    differences.words |= found ^ wanted.words;
  }
}

}  // namespace trestle
