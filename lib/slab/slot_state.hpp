// One byte a slot, out of band. Codes of two bits: free, or used by malloc, new or new[], so that the state that finds a
// double free finds a mismatched delete as well. The other bits say where a free slot rests, and whether it was ever used; one
// makes the number of bits even, so that no state is a flipped bit away from another.
// A byte each, so that two threads may change neighbours without a locked instruction.
#pragma once

#include <cstdint>

#include "base/engine.hpp"
#include "base/sync.hpp"

namespace trestle {

enum class Rest : std::uint8_t {
  slab,        // in the slab's own bits
  magazine,    // in a thread's cache, to be handed out
  quarantine,  // freed, and not to be handed out yet
};

class SlotState {
 public:
  constexpr SlotState() noexcept = default;
  [[nodiscard]] static constexpr SlotState used(Kind kind) noexcept {
    return SlotState{made_even(static_cast<unsigned>(kind))};
  }
  // `fresh`: nobody has had the slot yet.
  [[nodiscard]] static constexpr SlotState free(Rest rest, bool fresh) noexcept {
    return SlotState{made_even(static_cast<unsigned>(rest) << kRestShift | (fresh ? kFresh : 0U))};
  }

  [[nodiscard]] constexpr bool is_used() const noexcept { return (bits_ & kCode) != 0; }
  [[nodiscard]] constexpr Kind kind() const noexcept { return static_cast<Kind>(bits_ & kCode); }
  [[nodiscard]] constexpr Rest rest() const noexcept { return static_cast<Rest>(bits_ >> kRestShift & kCode); }
  [[nodiscard]] constexpr bool is_fresh() const noexcept { return (bits_ & kFresh) != 0; }
  // Of the 256 values of a byte, those that some slot can have.
  [[nodiscard]] constexpr bool is_legal() const noexcept {
    if (__builtin_parity(bits_) != 0) return false;
    if (is_used()) return (bits_ & ~(kCode | kEven)) == 0;
    return (bits_ & ~(kCode << kRestShift | kFresh | kEven)) == 0 && rest() <= Rest::quarantine &&
           !(is_fresh() && rest() == Rest::quarantine);
  }
  [[nodiscard]] constexpr std::uint8_t bits() const noexcept { return bits_; }
  [[nodiscard]] static constexpr SlotState from(std::uint8_t bits) noexcept { return SlotState{bits}; }
  friend constexpr bool operator==(SlotState, SlotState) = default;

 private:
  constexpr explicit SlotState(std::uint8_t bits) noexcept : bits_(bits) {}
  [[nodiscard]] static constexpr std::uint8_t made_even(unsigned bits) noexcept {
    return static_cast<std::uint8_t>(bits | (__builtin_parity(bits) != 0 ? kEven : 0U));
  }

  static constexpr unsigned kCode = 3;
  static constexpr unsigned kRestShift = 2;
  static constexpr unsigned kFresh = 16;
  static constexpr unsigned kEven = 32;

  std::uint8_t bits_ = 0;
};

// The state where it lies: a slot's owner changes it without a lock, a check reads it beside.
using SlotStateCell = Shared<SlotState>;
static_assert(sizeof(SlotStateCell) == 1);

}  // namespace trestle
