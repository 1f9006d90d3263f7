// Two bits a unit, 32 units a word: 0 is free, and the three others are used. Runs that touch have different codes, so that
// where a code ends its run does; three are enough, since a run has two neighbours at most. Everything goes by words.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace trestle {

class UnitMap {
 public:
  static constexpr std::uint32_t kUnitsPerWord = 32;
  static constexpr unsigned kFree = 0;
  [[nodiscard]] static constexpr std::uint32_t words_for(std::uint32_t units) noexcept {
    return (units + kUnitsPerWord - 1) / kUnitsPerWord;
  }

  // Over words_for(units) words; what they hold beyond the units is zero.
  constexpr UnitMap(std::uint64_t* words, std::uint32_t units) noexcept : words_(words), units_(units) {}

  [[nodiscard]] std::uint32_t units() const noexcept { return units_; }
  [[nodiscard]] unsigned code(std::uint32_t unit) const noexcept {
    return static_cast<unsigned>(words_[unit / kUnitsPerWord] >> shift_of(unit) & kCode);
  }
  // count > 0.
  void set(std::uint32_t first, std::uint32_t count, unsigned code) noexcept {
    const std::uint32_t last = first + count - 1;
    for (std::uint32_t word = first / kUnitsPerWord; word <= last / kUnitsPerWord; ++word) {
      std::uint64_t mask = UINT64_MAX;
      if (word == first / kUnitsPerWord) mask &= UINT64_MAX << shift_of(first);
      if (word == last / kUnitsPerWord) mask &= UINT64_MAX >> (kHighest - shift_of(last));
      words_[word] = (words_[word] & ~mask) | (repeated_code(code) & mask);
    }
  }

  // The first unit from there on that is free; that is used; units(): none.
  [[nodiscard]] std::uint32_t next_free(std::uint32_t from) const noexcept {
    return first_from(from, [](std::uint64_t word) { return ~marks(word) & kLow; });
  }
  [[nodiscard]] std::uint32_t next_used(std::uint32_t from) const noexcept {
    return first_from(from, [](std::uint64_t word) { return marks(word); });
  }
  // Where the run that the unit belongs to begins, and where it has ended.
  [[nodiscard]] std::uint32_t run_start(std::uint32_t unit) const noexcept {
    const std::uint64_t same = repeated_code(code(unit));
    std::uint32_t word = unit / kUnitsPerWord;
    std::uint64_t others = marks(words_[word] ^ same) & (UINT64_MAX >> (kHighest - shift_of(unit)));
    while (others == 0 && word != 0) others = marks(words_[--word] ^ same);
    if (others == 0) return 0;
    return word * kUnitsPerWord + static_cast<std::uint32_t>(std::bit_width(others) - 1) / 2 + 1;
  }
  [[nodiscard]] std::uint32_t run_end(std::uint32_t unit) const noexcept {
    const std::uint64_t same = repeated_code(code(unit));
    return first_from(unit, [same](std::uint64_t word) { return marks(word ^ same); });
  }
  // A code for a used run of those units: neither neighbour's.
  [[nodiscard]] unsigned code_apart(std::uint32_t first, std::uint32_t count) const noexcept {
    const unsigned left = first == 0 ? kFree : code(first - 1);
    const unsigned right = first + count == units_ ? kFree : code(first + count);
    unsigned apart = 1;
    while (apart == left || apart == right) ++apart;
    return apart;
  }

 private:
  static constexpr std::uint64_t kCode = 3;
  static constexpr unsigned kHighest = 62;  // shift of a word's last unit
  static constexpr std::uint64_t kLow = 0x5555'5555'5555'5555;

  [[nodiscard]] static constexpr unsigned shift_of(std::uint32_t unit) noexcept { return unit % kUnitsPerWord * 2; }
  [[nodiscard]] static constexpr std::uint64_t repeated_code(unsigned code) noexcept { return kLow * code; }
  // The low bit of each code that is not 0.
  [[nodiscard]] static constexpr std::uint64_t marks(std::uint64_t word) noexcept { return (word | word >> 1) & kLow; }

  template <class Wanted>
  [[nodiscard]] std::uint32_t first_from(std::uint32_t from, Wanted wanted) const noexcept {
    if (from >= units_) return units_;
    std::uint32_t word = from / kUnitsPerWord;
    std::uint64_t found = wanted(words_[word]) & (UINT64_MAX << shift_of(from));
    while (found == 0) {
      if (++word == words_for(units_)) return units_;
      found = wanted(words_[word]);
    }
    return std::min(units_, word * kUnitsPerWord + static_cast<std::uint32_t>(std::countr_zero(found)) / 2);
  }

  std::uint64_t* words_;
  std::uint32_t units_;
};

}  // namespace trestle
