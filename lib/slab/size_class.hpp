// Size classes: slots of 16 bytes to 64 KiB, 16 apart to 256 and then an eighth of the power of two below, so that no request
// is served more than 12.5 % beyond the next step of 16; and one of 16 bytes more than each power of two, which is what many
// ask for and which a canary makes one byte longer. A class whose size is a multiple of 2^k is aligned to it in a slab
// that is, so an alignment is only another size to round to.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/arith.hpp"

namespace trestle {

inline constexpr std::size_t kSlotStep = 16;
inline constexpr std::size_t kMaxSlot = std::size_t{64} << 10;

struct SizeClass {
  std::uint8_t index = 0;
  friend constexpr bool operator==(SizeClass, SizeClass) = default;
};

namespace size_classes {

inline constexpr std::size_t kStepsPerDoubling = 8;
// The smallest class that holds so many bytes, more than 16, by steps of 16 or of an eighth of the power of two below it,
// whichever is larger.
[[nodiscard]] constexpr std::size_t rounded(std::size_t bytes) noexcept {
  const std::size_t power = std::size_t{1} << log2_floor(std::max(bytes, kSlotStep + 1) - 1);
  if (bytes <= power + kSlotStep) return power + kSlotStep;
  return align_up(bytes, std::max(kSlotStep, power / kStepsPerDoubling));
}
[[nodiscard]] consteval std::size_t count() {
  std::size_t classes = 0;
  for (std::size_t bytes = kSlotStep; bytes <= kMaxSlot; bytes = rounded(bytes + 1)) ++classes;
  return classes;
}

}  // namespace size_classes

inline constexpr std::size_t kSizeClasses = size_classes::count();

namespace size_classes {

struct Tables {
  std::array<std::uint32_t, kSizeClasses> bytes{};
  std::array<std::uint8_t, kMaxSlot / kSlotStep + 1> of_steps{};  // by a request's bytes in steps of 16, rounded up
};
[[nodiscard]] consteval Tables make_tables() {
  Tables tables;
  std::size_t bytes = kSlotStep;
  for (std::size_t i = 0; i < kSizeClasses; ++i, bytes = rounded(bytes + 1))
    tables.bytes[i] = static_cast<std::uint32_t>(bytes);
  std::uint8_t index = 0;
  for (std::size_t steps = 0; steps < tables.of_steps.size(); ++steps) {
    if (steps * kSlotStep > tables.bytes[index]) ++index;
    tables.of_steps[steps] = index;
  }
  return tables;
}
inline constexpr Tables kTables = make_tables();

}  // namespace size_classes

// Bytes of a slot of the class.
[[nodiscard]] constexpr std::size_t slot_bytes(SizeClass size_class) noexcept {
  return size_classes::kTables.bytes[size_class.index];
}
// The smallest class that holds so many bytes, at most kMaxSlot.
[[nodiscard]] constexpr SizeClass class_for(std::size_t bytes) noexcept {
  if (bytes > kMaxSlot) __builtin_unreachable();  // a compiler that follows a larger constant this far would warn
  return {size_classes::kTables.of_steps[(bytes + kSlotStep - 1) / kSlotStep]};
}
// By which, and a shift, an offset below 2^20 is divided by a slot's size, exactly: the rounding adds less than 2^20 / 2^40 of
// it.
inline constexpr unsigned kReciprocalBits = 40;
[[nodiscard]] constexpr std::uint64_t reciprocal_of(std::size_t slot_bytes) noexcept {
  return ((std::uint64_t{1} << kReciprocalBits) + slot_bytes - 1) / slot_bytes;
}
// The same, for slots that are aligned so; `bytes` rounded up to `alignment`, a power of two, is at most kMaxSlot.
[[nodiscard]] constexpr SizeClass class_for(std::size_t bytes, std::size_t alignment) noexcept {
  return class_for(align_up(std::max<std::size_t>(bytes, 1), alignment));
}

}  // namespace trestle
