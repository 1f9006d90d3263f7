// What freed bytes are filled with, and the search for bytes that are no longer so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.hpp"
#include "base/lanes.hpp"
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

using Lane16 = Lane<kStep16>::Words;
inline void store_lane(std::byte* at, Lane16 lane) noexcept { __builtin_memcpy(at, &lane, sizeof lane); }

// The same two for a slot's bytes, 16 or a multiple of it: up to 1 KiB without a call, nor does the compiler make one of the
// loop.
// Less than a line of 64 is its first, its middle and its last 16 bytes; more goes by lines, of which the last one reaches
// back over the one before. So the processor has to guess no more than how many lines there are: where sizes vary, a wrong
// guess costs more than bytes that are seen twice.
inline constexpr std::size_t kFewBytes = 1024;
[[nodiscard]] constexpr std::size_t middle_step(std::size_t bytes) noexcept { return bytes / 2 / kStep16 * kStep16; }

template <std::size_t Width = kLaneBytes>
inline void fill_steps(std::byte* at, std::size_t bytes, std::uint8_t value) noexcept {
  if (bytes > kFewBytes) return fill(at, bytes, value);
  std::byte* const last = at + bytes - kStep16;
  if (bytes < kLine64) {
    const ShortLane<Width> lane(repeated(value));
    store_lanes<kStep16>(at, lane);
    store_lanes<kStep16>(at + middle_step(bytes), lane);
    return store_lanes<kStep16>(last, lane);
  }
  const Lane<Width> lane(repeated(value));
  for (; at + kLine64 <= last; at += kLine64) {
    store_lanes<kLine64>(at, lane);
    __asm__("" : "+r"(at));
  }
  store_lanes<kLine64>(last + kStep16 - kLine64, lane);
}
template <std::size_t Width = kLaneBytes>
TRESTLE_READS_WHOLE_RANGES inline bool are_steps_unasked(const std::byte* at, std::size_t bytes,
                                                         std::uint8_t value) noexcept {
  const std::byte* const last = at + bytes - kStep16;
  if (bytes < kLine64) {
    const ShortLane<Width> wanted(repeated(value));
    ShortLane<Width> differences;
    add_differences<kStep16>(differences, at, wanted);
    add_differences<kStep16>(differences, at + middle_step(bytes), wanted);
    add_differences<kStep16>(differences, last, wanted);
    return differences.is_zero();
  }
  const Lane<Width> wanted(repeated(value));
  Lane<Width> differences;
  for (; at + kLine64 <= last; at += kLine64) add_differences<kLine64>(differences, at, wanted);
  add_differences<kLine64>(differences, last + kStep16 - kLine64, wanted);
  return differences.is_zero();
}

template <std::size_t Width = kLaneBytes>
TRESTLE_READS_WHOLE_RANGES inline const std::byte* first_other_unasked(const std::byte* at, std::size_t bytes,
                                                                       std::uint8_t value) noexcept {
  const std::byte* const end = at + bytes;
  const Lane<Width> all(repeated(value));
  for (; static_cast<std::size_t>(end - at) >= kLine64; at += kLine64) {
    Lane<Width> differences;
    add_differences<kLine64>(differences, at, all);
    if (!differences.is_zero()) [[unlikely]]
      break;
  }
  for (std::uint64_t word; static_cast<std::size_t>(end - at) >= sizeof word; at += sizeof word) {
    __builtin_memcpy(&word, at, sizeof word);
    if (word != repeated(value)) [[unlikely]]
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
