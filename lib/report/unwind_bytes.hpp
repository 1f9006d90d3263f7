// What the tables for exceptions say, byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/arith.hpp"
#include "report/dwarf.hpp"

namespace trestle {

// From one of them on. Whatever lies beyond their end reads as zero, and is told.
class UnwindBytes {
 public:
  constexpr UnwindBytes() noexcept = default;
  explicit UnwindBytes(std::span<const std::uint8_t> all) noexcept : left_(all) {}

  [[nodiscard]] bool is_at_end() const noexcept { return left_.empty(); }
  [[nodiscard]] bool is_whole() const noexcept { return whole_; }
  [[nodiscard]] const std::uint8_t* at() const noexcept { return left_.data(); }

  template <class T>
  T take() noexcept {
    T value{};
    const std::span<const std::uint8_t> bytes = take_bytes(sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  std::span<const std::uint8_t> take_bytes(std::size_t count) noexcept {
    if (count > left_.size()) {
      whole_ = false;
      left_ = {};
      return {};
    }
    const std::span<const std::uint8_t> taken = left_.first(count);
    left_ = left_.subspan(count);
    return taken;
  }
  std::uint64_t take_unsigned() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = take<std::uint8_t>();
      if (shift < 64) value |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80U) == 0) return value;
    }
  }
  std::int64_t take_signed() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0;;) {
      const auto byte = take<std::uint8_t>();
      if (shift < 64) value |= std::uint64_t{byte & 0x7fU} << shift;
      shift += 7;
      if ((byte & 0x80U) != 0) continue;
      if ((byte & 0x40U) != 0 && shift < 64) value |= ~std::uint64_t{0} << shift;
      return static_cast<std::int64_t>(value);
    }
  }
  std::span<const std::uint8_t> take_block() noexcept { return take_bytes(take_unsigned()); }
  // An address as it is written here; those that compilers do not use are told as missing bytes are.
  std::uintptr_t take_address(std::uint8_t encoding) noexcept {
    const std::uintptr_t here = address_of(at());
    const std::uintptr_t value = take_number(encoding & dwarf::kFormat);
    if ((encoding & dwarf::kRelation) == dwarf::kFromHere) return value + here;
    if ((encoding & dwarf::kRelation) != 0) whole_ = false;
    return value;
  }

 private:
  std::uintptr_t take_number(std::uint8_t format) noexcept {
    switch (format) {
      case dwarf::kAbsolute:
      case dwarf::kUnsigned8:
      case dwarf::kSigned8:
        return take<std::uint64_t>();
      case dwarf::kUnsigned2:
        return take<std::uint16_t>();
      case dwarf::kUnsigned4:
        return take<std::uint32_t>();
      case dwarf::kSigned2:
        return static_cast<std::uintptr_t>(std::int64_t{take<std::int16_t>()});
      case dwarf::kSigned4:
        return static_cast<std::uintptr_t>(std::int64_t{take<std::int32_t>()});
      default:
        whole_ = false;
        return 0;
    }
  }

  std::span<const std::uint8_t> left_{};
  bool whole_ = true;
};

}  // namespace trestle
