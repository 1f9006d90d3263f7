// What the process that chooses programs and the one that tries them on a library share: memory with the program's
// bytes and what became of it. A byte through a socket says that it is the other's turn.
#pragma once

#include <cstddef>
#include <cstdint>

namespace trestle::conform {

inline constexpr std::size_t kMostInput = 4096;
inline constexpr std::size_t kMostEdges = std::size_t{1} << 16;  // of a library with more, some share a count

struct Channel {
  std::size_t edges = 0;  // of the library; 0: it is not instrumented
  std::size_t input_bytes = 0;
  std::uint8_t input[kMostInput] = {};
  char how[200] = "";  // the program fails; empty: it does not
  char detail[400] = "";
  std::uint8_t taken[kMostEdges] = {};  // how often each edge was, by the program alone
};

}  // namespace trestle::conform
