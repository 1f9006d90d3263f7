// What freed bytes are filled with, and the search for bytes that are no longer so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.hpp"
#include "base/sanitize.hpp"

namespace trestle {

// Fills those bytes alone that are others: pages that nobody wrote to stay as they are.
inline void fill_others(std::byte* at, std::size_t bytes, std::uint8_t value) noexcept {
  for (std::size_t i = 0; i < bytes; ++i) {
    if (std::to_integer<std::uint8_t>(at[i]) != value) at[i] = static_cast<std::byte>(value);
  }
}

[[nodiscard]] constexpr std::uint64_t repeated(std::uint8_t value) noexcept {
  return value * UINT64_C(0x0101'0101'0101'0101);
}

[[nodiscard]] inline std::uint64_t load_word(const std::byte* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}
inline void store_word(std::byte* at, std::uint64_t word) noexcept { std::memcpy(at, &word, sizeof word); }

// The same two for a slot's bytes, 16 or a multiple of it: up to 1 KiB without a call, nor does the compiler make one of the
// loop.
// Less than a line of 64 is its first, its middle and its last 16 bytes; more goes by lines, of which the last one reaches
// back over the one before. So the processor has to guess no more than how many lines there are: where sizes vary, a wrong
// guess costs more than bytes that are seen twice.
inline constexpr std::size_t kStep16 = 16;
inline constexpr std::size_t kFewBytes = 1024;
using Lane16 = std::uint64_t __attribute__((vector_size(kStep16)));
inline constexpr std::size_t kLine64 = 64;

inline void store_lane(std::byte* at, Lane16 lane) noexcept { __builtin_memcpy(at, &lane, sizeof lane); }
TRESTLE_READS_WHOLE_RANGES inline Lane16 load_lane_unasked(const std::byte* at) noexcept {
  Lane16 lane;
  __builtin_memcpy(&lane, at, sizeof lane);
  return lane;
}
[[nodiscard]] constexpr std::size_t middle_step(std::size_t bytes) noexcept { return bytes / 2 / kStep16 * kStep16; }

inline void fill_steps(std::byte* at, std::size_t bytes, std::uint8_t value) noexcept {
  if (bytes > kFewBytes) return fill(at, bytes, value);
  const Lane16 lane = {repeated(value), repeated(value)};
  std::byte* const last = at + bytes - kStep16;
  if (bytes < kLine64) {
    store_lane(at, lane);
    store_lane(at + middle_step(bytes), lane);
    store_lane(last, lane);
    return;
  }
  for (; at + kLine64 <= last; at += kLine64) {
    store_lane(at, lane);
    store_lane(at + kStep16, lane);
    store_lane(at + 2 * kStep16, lane);
    store_lane(at + 3 * kStep16, lane);
    __asm__("" : "+r"(at));
  }
  store_lane(last - 3 * kStep16, lane);
  store_lane(last - 2 * kStep16, lane);
  store_lane(last - kStep16, lane);
  store_lane(last, lane);
}
TRESTLE_READS_WHOLE_RANGES inline bool are_steps_unasked(const std::byte* at, std::size_t bytes,
                                                         std::uint8_t value) noexcept {
  const Lane16 wanted = {repeated(value), repeated(value)};
  const auto other = [&](const std::byte* from) TRESTLE_READS_WHOLE_RANGES { return load_lane_unasked(from) ^ wanted; };
  const std::byte* const last = at + bytes - kStep16;
  Lane16 differences = other(last);
  if (bytes < kLine64) {
    differences |= other(at) | other(at + middle_step(bytes));
  } else {
    for (; at + kLine64 <= last; at += kLine64)
      differences |= other(at) | other(at + kStep16) | other(at + 2 * kStep16) | other(at + 3 * kStep16);
    differences |= other(last - 3 * kStep16) | other(last - 2 * kStep16) | other(last - kStep16);
  }
  return (differences[0] | differences[1]) == 0;
}

TRESTLE_READS_WHOLE_RANGES inline const std::byte* first_other_unasked(const std::byte* at, std::size_t bytes,
                                                                       std::uint8_t value) noexcept {
  // Written out, since of a loop over words compilers make a branch a word.
  const std::uint64_t wanted = repeated(value);
  const Lane16 all = {wanted, wanted};
  const std::byte* const end = at + bytes;
  for (; static_cast<std::size_t>(end - at) >= kLine64; at += kLine64) {
    const Lane16 differences = (load_lane_unasked(at) ^ all) | (load_lane_unasked(at + kStep16) ^ all) |
                               (load_lane_unasked(at + 2 * kStep16) ^ all) |
                               (load_lane_unasked(at + 3 * kStep16) ^ all);
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

// Whether all bytes, 16 or a multiple of it, are `value`.
[[nodiscard]] inline bool are_steps(const std::byte* at, std::size_t bytes, std::uint8_t value) noexcept {
  if (bytes > kFewBytes) return first_other(at, bytes, value) == nullptr;
  assert_readable(at, bytes);
  return are_steps_unasked(at, bytes, value);
}

}  // namespace trestle
