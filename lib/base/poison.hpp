// What freed bytes are filled with, and the search for bytes that are no longer so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/sanitize.hpp"

namespace trestle {

inline void fill(std::byte* at, std::size_t bytes, std::uint8_t value) noexcept { std::memset(at, value, bytes); }

[[nodiscard]] constexpr std::uint64_t repeated(std::uint8_t value) noexcept {
  return value * UINT64_C(0x0101'0101'0101'0101);
}

[[nodiscard]] inline std::uint64_t load_word(const std::byte* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}
inline void store_word(std::byte* at, std::uint64_t word) noexcept { std::memcpy(at, &word, sizeof word); }

// The same two for a slot's bytes, a multiple of 16: up to 1 KiB without a call, nor does the compiler make one of the loop.
inline constexpr std::size_t kStep16 = 16;
inline constexpr std::size_t kFewBytes = 1024;
using Lane16 = std::uint64_t __attribute__((vector_size(kStep16)));
inline constexpr std::size_t kLine64 = 64;  // so much at a time, as far as it goes

inline void store_lane(std::byte* at, Lane16 lane) noexcept { __builtin_memcpy(at, &lane, sizeof lane); }

inline void fill_steps(std::byte* at, std::size_t bytes, std::uint8_t value) noexcept {
  if (bytes > kFewBytes) return fill(at, bytes, value);
  const Lane16 lane = {repeated(value), repeated(value)};
  const std::byte* const end = at + bytes;
  for (; static_cast<std::size_t>(end - at) >= kLine64; at += kLine64) {
    store_lane(at, lane);
    store_lane(at + kStep16, lane);
    store_lane(at + 2 * kStep16, lane);
    store_lane(at + 3 * kStep16, lane);
    __asm__("" : "+r"(at));
  }
  for (; at != end; at += kStep16) {
    store_lane(at, lane);
    __asm__("" : "+r"(at));
  }
}
TRESTLE_READS_WHOLE_RANGES inline bool are_steps_unasked(const std::byte* at, std::size_t bytes,
                                                         std::uint8_t value) noexcept {
  const auto load = [](const std::byte* from) TRESTLE_READS_WHOLE_RANGES {
    Lane16 lane;
    __builtin_memcpy(&lane, from, sizeof lane);
    return lane;
  };
  const Lane16 wanted = {repeated(value), repeated(value)};
  const std::byte* const end = at + bytes;
  Lane16 differences = {};
  for (; static_cast<std::size_t>(end - at) >= kLine64; at += kLine64) {
    differences |= (load(at) ^ wanted) | (load(at + kStep16) ^ wanted) | (load(at + 2 * kStep16) ^ wanted) |
                   (load(at + 3 * kStep16) ^ wanted);
  }
  for (; at != end; at += kStep16) differences |= load(at) ^ wanted;
  return (differences[0] | differences[1]) == 0;
}

TRESTLE_READS_WHOLE_RANGES inline const std::byte* first_other_unasked(const std::byte* at, std::size_t bytes,
                                                                       std::uint8_t value) noexcept {
  // Written out, since of a loop over words compilers make a branch a word.
  using Lane = std::uint64_t __attribute__((vector_size(16)));
  constexpr std::size_t kStep = 4 * sizeof(Lane);
  const std::uint64_t wanted = repeated(value);
  const Lane all = {wanted, wanted};
  const std::byte* const end = at + bytes;
  for (; static_cast<std::size_t>(end - at) >= kStep; at += kStep) {
    Lane lanes[kStep / sizeof(Lane)];
    __builtin_memcpy(lanes, at, kStep);
    const Lane differences = (lanes[0] ^ all) | (lanes[1] ^ all) | (lanes[2] ^ all) | (lanes[3] ^ all);
    if ((differences[0] | differences[1]) != 0) [[unlikely]]
      break;
  }
  for (std::uint64_t word; static_cast<std::size_t>(end - at) >= sizeof word; at += sizeof word) {
    __builtin_memcpy(&word, at, sizeof word);
    if (word != wanted) [[unlikely]]
      break;
  }
  for (; at != end; ++at) {
    if (static_cast<std::uint8_t>(*at) != value) return at;
  }
  return nullptr;
}

// The first byte of the range that is not `value`; null where all are. Cost: 64 bytes a branch.
[[nodiscard]] inline const std::byte* first_other(const std::byte* at, std::size_t bytes, std::uint8_t value) noexcept {
  assert_readable(at, bytes);
  return first_other_unasked(at, bytes, value);
}

// Whether all bytes, a multiple of 16, are `value`.
[[nodiscard]] inline bool are_steps(const std::byte* at, std::size_t bytes, std::uint8_t value) noexcept {
  if (bytes > kFewBytes) return first_other(at, bytes, value) == nullptr;
  assert_readable(at, bytes);
  return are_steps_unasked(at, bytes, value);
}

}  // namespace trestle
