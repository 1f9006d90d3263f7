// Which leaks nobody wants to hear of: patterns from a file, one a line, for the functions, places and objects of the stack
// that a block was allocated by.
#pragma once

#include <cstddef>
#include <string_view>

namespace trestle {

// "leak:PATTERN" or "PATTERN"; comments begin with # at the line's start or behind a blank. A pattern is found anywhere in
// a name; `*` stands for any characters, `^` first for the name's beginning and `$` last for its end.
class Suppressions {
 public:
  constexpr Suppressions() noexcept = default;

  // Reads the file, which stays in memory. False: it cannot be read, or is longer than 1 MiB. Once.
  [[nodiscard]] bool read(const char* path) noexcept;
  [[nodiscard]] bool is_empty() const noexcept { return text_.empty(); }
  // Whether a pattern is found in the name.
  [[nodiscard]] bool match(std::string_view name) const noexcept;

 private:
  std::string_view text_;
};

// Whether the pattern, as above, is found in the name.
[[nodiscard]] bool is_pattern_in(std::string_view pattern, std::string_view name) noexcept;

}  // namespace trestle
