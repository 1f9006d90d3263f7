// Keyed tags: 64-bit checks over a structure's words and its own place, under a secret. A tag copied to another place, or
// kept beside a changed word, does not match. The mixing step is the folded 128-bit product of wyhash (W. Yi, 2019): two
// multiplications a tag. It is no cryptographic MAC: it resists accidents, and attackers who cannot read the secret.
#pragma once

#include <cstdint>

namespace trestle {

struct Key {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

// The high and low halves of a 128-bit product, folded. A product with zero is zero, so the callers key both sides.
[[nodiscard]] constexpr std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline constexpr std::uint64_t kOdd1 = 0x9E37'79B9'7F4A'7C15;  // 2^64 / golden ratio
inline constexpr std::uint64_t kOdd2 = 0xBF58'476D'1CE4'E5B9;  // splitmix64 (G. Steele et al., 2014)
inline constexpr std::uint64_t kOdd3 = 0x94D0'49BB'1331'11EB;  // the same

// The tag of one word at one place.
[[nodiscard]] constexpr std::uint64_t tag_of(const Key& key, std::uint64_t place, std::uint64_t word) noexcept {
  const std::uint64_t inner = fold(place ^ key.low, word ^ key.high);
  return fold(inner ^ kOdd1, word ^ key.low ^ kOdd2) ^ key.high;
}

// splitmix64: turns a seed into a stream of words, for keys and for choices that need no secrecy from one another.
[[nodiscard]] constexpr std::uint64_t split_mix(std::uint64_t& state) noexcept {
  state += kOdd1;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * kOdd2;
  z = (z ^ (z >> 27)) * kOdd3;
  return z ^ (z >> 31);
}

[[nodiscard]] constexpr Key key_from(std::uint64_t secret) noexcept {
  const std::uint64_t low = split_mix(secret);
  return {low, split_mix(secret)};
}

// A number below `bound` (> 0), evenly but for 2^-64 * bound: the high half of a product (D. Lemire, 2019).
[[nodiscard]] constexpr std::uint64_t random_below(std::uint64_t& state, std::uint64_t bound) noexcept {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(split_mix(state)) * bound) >> 64);
}

// The same by the cheapest step that will do (a linear congruential one, D. Knuth's multiplier), for the hottest paths.
[[nodiscard]] constexpr std::uint64_t quick_below(std::uint64_t& state, std::uint64_t bound) noexcept {
  __extension__ using Wide = unsigned __int128;
  state = state * 6364136223846793005U + kOdd1;
  return static_cast<std::uint64_t>((static_cast<Wide>(state) * bound) >> 64);
}

}  // namespace trestle
