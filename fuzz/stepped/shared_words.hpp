// Which words of memory more than one thread has accessed: the only ones at which their order can matter. Exact, whatever the
// addresses, so that a program takes the same steps in each process; up to kMost words, beyond which all are taken for shared.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace trestle::stepped {

class SharedWords {
 public:
  static constexpr std::size_t kMost = 1 << 14;

  SharedWords() : slots_(kSlots) { used_.reserve(kMost); }

  void clear() noexcept {
    for (const std::uint32_t index : used_) slots_[index] = {};
    used_.clear();
  }
  // That thread accesses the word at `at`; whether another has before.
  [[nodiscard]] bool note(const void* at, std::size_t thread) noexcept {
    const std::uint64_t word = reinterpret_cast<std::uintptr_t>(at) / sizeof(std::uint64_t);
    Slot* const slot = find(word);
    if (slot == nullptr) return true;
    const auto bit = static_cast<std::uint8_t>(1U << thread);
    const bool shared = (slot->threads & ~bit) != 0;
    slot->threads = static_cast<std::uint8_t>(slot->threads | bit);
    return shared;
  }

 private:
  static constexpr std::uint32_t kSlots = 2 * kMost;
  struct Slot {
    std::uint64_t word = 0;  // 0: none
    std::uint8_t threads = 0;
  };

  // The word's, a new one if it has none yet; null: there is no more room.
  [[nodiscard]] Slot* find(std::uint64_t word) noexcept {
    constexpr std::uint64_t kSpread = 0x9E37'79B9'7F4A'7C15U;
    std::uint32_t index = static_cast<std::uint32_t>((word * kSpread) >> 32) % kSlots;
    while (slots_[index].word != 0) {
      if (slots_[index].word == word) return &slots_[index];
      index = (index + 1) % kSlots;
    }
    if (used_.size() == kMost) return nullptr;
    used_.push_back(index);
    slots_[index].word = word;
    return &slots_[index];
  }

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> used_;
};

}  // namespace trestle::stepped
