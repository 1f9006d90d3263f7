// What std::string_view has, without its exceptions: its substr may throw, and its starts_with calls it, so that a library
// compiled without optimisation would refer to the C++ runtime.
#pragma once

#include <cstddef>
#include <string_view>

namespace trestle {

// The first so many characters, or all.
[[nodiscard]] constexpr std::string_view head(std::string_view text, std::size_t count) noexcept {
  return {text.data(), count < text.size() ? count : text.size()};
}
// The text up to the first `mark`; all of it where there is none.
[[nodiscard]] constexpr std::string_view before(std::string_view text, char mark) noexcept {
  return head(text, text.find(mark));
}
[[nodiscard]] constexpr bool begins_with(std::string_view text, std::string_view start) noexcept {
  return text.size() >= start.size() && head(text, start.size()) == start;
}

// Of the UTF-8 character that the text begins with, its bytes (RFC 3629); 0 where it begins with none.
[[nodiscard]] constexpr std::size_t character_at_start(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return 0;
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() < bytes) return 0;
  // None may be longer than it need be, a half of a pair, or beyond U+10FFFF.
  const unsigned least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < least || byte(1) > most) return 0;
  for (std::size_t i = 2; i < bytes; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  return bytes;
}
// As head, without a character that it would cut.
[[nodiscard]] constexpr std::string_view head_of_characters(std::string_view text, std::size_t count) noexcept {
  const std::size_t end = head(text, count).size();
  for (std::size_t cut = 1; cut <= 3 && cut <= end; ++cut)
    if (character_at_start({text.data() + end - cut, text.size() - (end - cut)}) > cut) return head(text, end - cut);
  return head(text, end);
}

}  // namespace trestle
