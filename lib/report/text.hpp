// Text put together in a fixed buffer: no allocation, no locale, no stdio, so that it can run in a broken process. What
// does not fit is cut off.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/string.hpp"

namespace trestle {

template <std::size_t kCapacity>
class Text {
 public:
  Text& add(std::string_view piece) noexcept {
    for (const char c : piece) {
      if (length_ >= kCapacity) break;
      buffer_[length_++] = c;
    }
    return *this;
  }
  Text& add(std::uint64_t number, int base = 10) noexcept {
    std::array<char, 64> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
    return add(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
  }
  Text& add_hex(std::uint64_t number) noexcept { return add("0x").add(number, 16); }
  Text& add_address(const void* at) noexcept { return add_hex(reinterpret_cast<std::uintptr_t>(at)); }
  // Two hexadecimal digits.
  Text& add_byte(std::byte value) noexcept {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto bits = std::to_integer<unsigned>(value);
    return add({&kDigits[bits >> 4], 1}).add({&kDigits[bits & 15], 1});
  }

  [[nodiscard]] std::string_view view() const noexcept { return {buffer_.data(), length_}; }
  [[nodiscard]] std::span<const char> chars() const noexcept { return {buffer_.data(), length_}; }
  void clear() noexcept { length_ = 0; }
  [[nodiscard]] std::size_t room() const noexcept { return kCapacity - length_; }
  // Copies it with a NUL, cut to the room there is.
  void copy_to(std::span<char> room) const noexcept {
    if (room.empty()) return;
    const std::size_t copied = length_ < room.size() ? length_ : room.size() - 1;
    for (std::size_t i = 0; i < copied; ++i) room[i] = buffer_[i];
    room[copied] = '\0';
  }

 private:
  std::size_t length_ = 0;
  std::array<char, kCapacity> buffer_{};
};

}  // namespace trestle
