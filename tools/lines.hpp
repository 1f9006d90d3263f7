// A file or a pipe, line by line, each as soon as it is there.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace trestle::tool {

// What becomes of the lines. `end` is "\n", "\r\n", or nothing at the end of a file. A line that is too long to be held comes
// in parts, one after the other, the last with its end.
struct LineVisitor {
  std::function<void(std::string_view line, std::string_view end)> line;
  std::function<void(std::string_view part)> piece;
  std::function<void()> pause;  // nothing more is there for now
};

inline constexpr std::size_t kLongestLine = std::size_t{16} << 20;

// Until the end of what the descriptor gives. Throws Failure with the name where it cannot be read; what came before was
// visited. Cost: O(bytes), and the memory of the longest line up to kLongestLine.
void for_each_line(int file, const std::string& name, const LineVisitor& visitor);

}  // namespace trestle::tool
