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

}  // namespace trestle
