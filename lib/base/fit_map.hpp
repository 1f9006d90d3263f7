// Which bins hold something, and which bin serves a size, in O(1): the two-level segregated fit of TLSF (M. Masmano et al.,
// 2004). Sizes are in units, at least 1. Sizes below 2^kSecondLog have a bin each; above, every power of two is cut into
// 2^kSecondLog bins. Invariant: bit of bin b set <=> the owner's list b is not empty.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/arith.hpp"
#include "base/poison.hpp"

namespace trestle {

template <unsigned kMaxLog, unsigned kSecondLog>
class FitMap {
 public:
  static constexpr unsigned kSecond = 1U << kSecondLog;
  static constexpr unsigned kFirst = kMaxLog - kSecondLog + 2;
  static constexpr unsigned kBins = kFirst * kSecond;
  static constexpr unsigned kNone = kBins;
  static_assert(kSecondLog <= 5 && kFirst <= 64);

  // The bin that a run of `units` is kept in.
  [[nodiscard]] static constexpr unsigned bin_of(std::uint64_t units) noexcept {
    if (units < kSecond) return static_cast<unsigned>(units);
    const unsigned shift = log2_floor(units) - kSecondLog;
    return (shift + 1) * kSecond + static_cast<unsigned>((units >> shift) - kSecond);
  }
  // The lowest bin all of whose runs hold `units`; kNone where there is none.
  [[nodiscard]] static constexpr unsigned bin_for(std::uint64_t units) noexcept {
    if (units < kSecond) return static_cast<unsigned>(units);
    const unsigned shift = log2_floor(units) - kSecondLog;
    const unsigned bin = bin_of(units + (std::uint64_t{1} << shift) - 1);
    return bin < kBins ? bin : kNone;
  }

  void set(unsigned bin) noexcept {
    first_ |= std::uint64_t{1} << (bin / kSecond);
    second_[bin / kSecond] |= std::uint32_t{1} << (bin % kSecond);
  }
  void clear(unsigned bin) noexcept {
    second_[bin / kSecond] &= ~(std::uint32_t{1} << (bin % kSecond));
    if (second_[bin / kSecond] == 0) first_ &= ~(std::uint64_t{1} << (bin / kSecond));
  }
  [[nodiscard]] bool is_set(unsigned bin) const noexcept {
    return (second_[bin / kSecond] >> (bin % kSecond) & 1U) != 0;
  }

  // The lowest bin from `bin` on that holds something; kNone where there is none.
  [[nodiscard]] unsigned find_from(unsigned bin) const noexcept {
    if (bin >= kBins) return kNone;
    const unsigned row = bin / kSecond;
    const std::uint32_t rest = second_[row] & (~std::uint32_t{0} << (bin % kSecond));
    if (rest != 0) return within(row, static_cast<unsigned>(std::countr_zero(rest)));
    if (row + 1 >= kFirst) return kNone;
    const std::uint64_t above = first_ & (~std::uint64_t{0} << (row + 1));
    if (above == 0) return kNone;
    const auto found = static_cast<unsigned>(std::countr_zero(above));
    if (found >= kFirst || second_[found] == 0) return kNone;
    return within(found, static_cast<unsigned>(std::countr_zero(second_[found])));
  }

  // The highest bin that holds something; kNone where there is none.
  [[nodiscard]] unsigned highest() const noexcept {
    if (first_ == 0) return kNone;
    const unsigned row = log2_floor(first_);
    if (row >= kFirst || second_[row] == 0) return kNone;
    return within(row, log2_floor(second_[row]));
  }

  // The lowest bin from `bin` on that is marked, or whose head has a byte other than `empty`; kNone where there is none.
  // So a check sees lists without a mark and marks without a list. Cost: a read of the heads.
  template <class Head>
  [[nodiscard]] unsigned next_busy(unsigned bin, const std::array<Head, kBins>& heads,
                                   std::uint8_t empty) const noexcept {
    const auto* const bytes = reinterpret_cast<const std::byte*>(heads.data());
    const std::byte* const other = first_other(bytes + bin * sizeof(Head), (kBins - bin) * sizeof(Head), empty);
    const unsigned listed = other == nullptr ? kNone : static_cast<unsigned>(other - bytes) / unsigned{sizeof(Head)};
    return std::min(listed, find_from(bin));
  }

  // The two levels agree, and no bit stands outside them.
  [[nodiscard]] bool is_consistent() const noexcept {
    std::uint64_t rows = 0;
    std::uint32_t outside = 0;
    for (unsigned row = 0; row < kFirst; ++row) {
      rows |= std::uint64_t{second_[row] != 0} << row;
      if constexpr (kSecond < 32) outside |= second_[row] >> kSecond;
    }
    return rows == first_ && outside == 0;
  }

 private:
  // A corrupt map finds nothing rather than a wild bin.
  [[nodiscard]] static constexpr unsigned within(unsigned row, unsigned column) noexcept {
    return column < kSecond ? row * kSecond + column : kNone;
  }

  std::uint64_t first_ = 0;
  std::array<std::uint32_t, kFirst> second_{};
};

}  // namespace trestle
