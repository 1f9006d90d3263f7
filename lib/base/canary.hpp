// The canary: every byte from the end of a request to the end of its block, so that one byte written past the request is
// seen. Its bytes repeat a keyed word, aligned to 8 from the payload's start; none of them is zero, so that the NUL of a
// string one too long always shows. Any other single byte goes unseen with a chance of 1 in 255.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/arith.hpp"
#include "base/keyed.hpp"
#include "base/poison.hpp"
#include "base/sanitize.hpp"

namespace trestle {

// Zero bytes become 0xA5: that value is the only one that then occurs twice as often.
inline constexpr std::uint8_t kForZero = 0xA5;
[[nodiscard]] constexpr std::uint64_t without_zeros(std::uint64_t word) noexcept {
  constexpr std::uint64_t kLow = 0x7F7F'7F7F'7F7F'7F7F;
  const std::uint64_t zero_bytes = ~(((word & kLow) + kLow) | word | kLow);  // 0x80 in each zero byte
  return word | (zero_bytes >> 7) * kForZero;
}

// The keyed word of a block at `place`.
[[nodiscard]] constexpr std::uint64_t canary_word(const Key& key, std::uint64_t place) noexcept {
  return without_zeros(tag_of(key, place, kOdd3));
}

[[nodiscard]] constexpr std::uint8_t canary_byte(std::uint64_t word, std::size_t index) noexcept {
  return static_cast<std::uint8_t>(word >> (index % 8 * 8));
}

// Both take the payload (8-byte aligned) and the range [from, to) of indices in it that are pad.
inline void write_canary(std::byte* payload, std::size_t from, std::size_t to, std::uint64_t word) noexcept {
  std::size_t i = from;
  for (; i < to && i % 8 != 0; ++i) payload[i] = static_cast<std::byte>(canary_byte(word, i));
  for (; i + 8 <= to; i += 8) store_word(payload + i, word);
  for (; i < to; ++i) payload[i] = static_cast<std::byte>(canary_byte(word, i));
}

TRESTLE_READS_WHOLE_RANGES inline const std::byte* broken_canary_unasked(const std::byte* payload, std::size_t from,
                                                                         std::size_t to, std::uint64_t word) noexcept {
  const auto differs = [=](std::size_t at) TRESTLE_READS_WHOLE_RANGES {
    return static_cast<std::uint8_t>(payload[at]) != static_cast<std::uint8_t>(word >> (at % 8 * 8));
  };
  std::size_t i = from;
  for (; i < to && i % 8 != 0; ++i) {
    if (differs(i)) [[unlikely]]
      return payload + i;
  }
  for (; i + 8 <= to; i += 8) {
    std::uint64_t found = 0;
    __builtin_memcpy(&found, payload + i, sizeof found);
    if (found != word) [[unlikely]]
      break;
  }
  for (; i < to; ++i) {
    if (differs(i)) [[unlikely]]
      return payload + i;
  }
  return nullptr;
}

// The first overwritten pad byte; null where the canary is whole. Reads pad bytes only: the owner may be writing beside.
[[nodiscard]] inline const std::byte* broken_canary(const std::byte* payload, std::size_t from, std::size_t to,
                                                    std::uint64_t word) noexcept {
  if (from < to) assert_readable(payload + from, to - from);
  return broken_canary_unasked(payload, from, to, word);
}

TRESTLE_READS_BESIDE_OWNERS inline std::uint64_t load_beside_owner(const std::byte* at) noexcept {
  std::uint64_t word = 0;
  __builtin_memcpy(&word, at, sizeof word);
  return word;
}
TRESTLE_READS_BESIDE_OWNERS inline std::uint8_t load_byte_beside_owner(const std::byte* at) noexcept {
  return std::to_integer<std::uint8_t>(*at);
}
TRESTLE_READS_BESIDE_OWNERS inline Lane16 load_lane_beside_owner(const std::byte* at) noexcept {
  Lane16 lane;
  __builtin_memcpy(&lane, at, sizeof lane);
  return lane;
}

// 16 bytes of the canary, from there on.
[[nodiscard]] inline Lane16 canary_lane(std::uint64_t word, std::size_t from) noexcept {
  const std::uint64_t turned = std::rotr(word, static_cast<int>(from % 8 * 8));
  const Lane16 lane = {turned, turned};
  return lane;
}
// The same two by 16 bytes, for a range that ends where 16 do, from the payload's start: first those at `from`, then the
// others. So up to 15 bytes behind the range are written, or have to be as if it went on there.
inline void write_canary_steps(std::byte* payload, std::size_t from, std::size_t to, std::uint64_t word) noexcept {
  store_lane(payload + from, canary_lane(word, from));
  for (std::byte* at = payload + align_up(from, kStep16); at != payload + to; at += kStep16) {
    store_lane(at, canary_lane(word, 0));
    __asm__("" : "+r"(at));  // no loop of many at once: there are few
  }
}
TRESTLE_READS_BESIDE_OWNERS inline bool are_canary_steps(const std::byte* payload, std::size_t from, std::size_t to,
                                                         std::uint64_t word) noexcept {
  Lane16 differences = load_lane_beside_owner(payload + from) ^ canary_lane(word, from);
  for (const std::byte* at = payload + align_up(from, kStep16); at != payload + to; at += kStep16) {
    differences |= load_lane_beside_owner(at) ^ canary_lane(word, 0);
    __asm__("" : "+r"(at));
  }
  return (differences[0] | differences[1]) == 0;
}

}  // namespace trestle
