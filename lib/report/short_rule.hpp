// A rule of the tables for exceptions in a word.
#pragma once

#include <cstdint>
#include <optional>

#include "base/arith.hpp"
#include "report/unwind_tables.hpp"

namespace trestle {

// A rule as most are: no expression, the return address below the frame's address. Or that there is no caller.
class ShortRule {
 public:
  ShortRule() noexcept = default;
  explicit ShortRule(std::uint64_t word) noexcept : word_(word) {}
  // Empty: it is not of that kind.
  static ShortRule of(const UnwindRule& rule) noexcept {
    if (rule.return_address.kind == Place::Kind::unknown) return ShortRule(kIsEnd);
    const Place& bp = rule.bp;
    const bool is_saved =
        bp.kind == Place::Kind::at_offset && bp.offset % kWord == 0 && bp.offset < 0 && bp.offset / kWord >= INT8_MIN;
    const bool is_usual = (rule.from == UnwindRule::From::sp || rule.from == UnwindRule::From::bp) &&
                          !rule.is_of_signal && rule.return_address.kind == Place::Kind::at_offset &&
                          rule.return_address.offset == -kWord && (is_saved || bp.kind == Place::Kind::same);
    if (!is_usual) return {};
    const std::uint64_t flags =
        kIsStep | (rule.from == UnwindRule::From::bp ? kIsByBase : 0) | (is_saved ? kSavesBase : 0);
    const std::uint64_t words = is_saved ? static_cast<std::uint8_t>(bp.offset / kWord) : 0;
    return ShortRule(std::uint64_t{static_cast<std::uint32_t>(rule.offset)} << kOffsetShift | words << kWordsShift |
                     flags);
  }

  [[nodiscard]] bool is_empty() const noexcept { return word_ == 0; }
  [[nodiscard]] std::uint64_t word() const noexcept { return word_; }

  [[nodiscard]] std::optional<Registers> apply(const Registers& frame, ReadWord read, void* context) const noexcept {
    if ((word_ & kIsEnd) != 0) return std::nullopt;
    const auto offset = static_cast<std::int32_t>(word_ >> kOffsetShift);
    const std::uintptr_t cfa = ((word_ & kIsByBase) != 0 ? frame.bp : frame.sp) + widened(offset);
    Registers caller{0, cfa, frame.bp};
    const std::int32_t words = static_cast<std::int32_t>(static_cast<std::uint32_t>(word_ >> kWordsShift) << 24) >> 24;
    if ((word_ & kSavesBase) != 0 && !read(cfa + widened(words * kWord), caller.bp, context)) return std::nullopt;
    if (!read(cfa + widened(-kWord), caller.pc, context) || caller.pc == 0) return std::nullopt;
    return caller;
  }

 private:
  static constexpr std::int32_t kWord = 8;
  static constexpr std::uint64_t kIsStep = 1;
  static constexpr std::uint64_t kIsByBase = 2;
  static constexpr std::uint64_t kSavesBase = 4;
  static constexpr std::uint64_t kIsEnd = 8;
  static constexpr unsigned kWordsShift = 8;
  static constexpr unsigned kOffsetShift = 32;

  std::uint64_t word_ = 0;
};

}  // namespace trestle
