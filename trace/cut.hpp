// A stretch of a trace as a program of ops, in the text that the program `ops` reads: a seed for the fuzzer, or a regression.
#pragma once

#include <string>

#include "trace/reader.hpp"

namespace trestle::trace {

struct Cut {
  std::string text;
  std::uint64_t calls = 0;  // of the stretch that became ops
  std::uint64_t left_out =
      0;  // of the stretch: no slot was free for their blocks, or an op cannot say what they asked for
};

// `count` calls from call `from` on. A program has 64 slots: blocks that were there before and that the stretch is about are
// allocated first, in up to half of them; of the others those that find a slot free. Throws Error: a call that no heap could be
// asked to do again is named.
[[nodiscard]] Cut cut(Reader& reader, std::uint64_t from, std::uint64_t count);

}  // namespace trestle::trace
