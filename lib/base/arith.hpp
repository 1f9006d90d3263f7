// Arithmetic on sizes: powers of two and sums that must not wrap.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace trestle {

// Not std::has_single_bit: for a processor that need not count bits it is a call, in every aligned request.
[[nodiscard]] constexpr bool is_power_of_two(std::size_t value) noexcept {
  return value != 0 && (value & (value - 1)) == 0;
}

// `alignment` is a power of two. align_up needs value <= SIZE_MAX - alignment + 1.
[[nodiscard]] constexpr std::size_t align_up(std::size_t value, std::size_t alignment) noexcept {
  return (value + alignment - 1) & ~(alignment - 1);
}
[[nodiscard]] constexpr std::size_t align_down(std::size_t value, std::size_t alignment) noexcept {
  return value & ~(alignment - 1);
}
[[nodiscard]] constexpr bool is_aligned(std::size_t value, std::size_t alignment) noexcept {
  return (value & (alignment - 1)) == 0;
}

[[nodiscard]] inline std::uintptr_t address_of(const void* at) noexcept { return reinterpret_cast<std::uintptr_t>(at); }
[[nodiscard]] inline bool is_aligned(const void* at, std::size_t alignment) noexcept {
  return is_aligned(address_of(at), alignment);
}

// floor(log2(value)); value > 0.
[[nodiscard]] constexpr unsigned log2_floor(std::uint64_t value) noexcept {
  return 63U - static_cast<unsigned>(std::countl_zero(value));
}

// Nothing iff the result does not fit.
[[nodiscard]] constexpr std::optional<std::size_t> checked_add(std::size_t a, std::size_t b) noexcept {
  std::size_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}
[[nodiscard]] constexpr std::optional<std::size_t> checked_multiply(std::size_t a, std::size_t b) noexcept {
  std::size_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

}  // namespace trestle
