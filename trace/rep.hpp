// The format of malloc exercises: a text of four numbers (a heap size to suggest, how many ids there are, how many operations,
// a weight), and an operation a line: "a ID SIZE" allocates, "r ID SIZE" reallocates, "f ID" frees.
#pragma once

#include <istream>
#include <ostream>
#include <string>

#include "trace/reader.hpp"

namespace trestle::trace {

struct RepLosses {
  std::uint64_t alignments = 0;  // blocks that asked for more than the usual one
  std::uint64_t failures = 0;    // calls that got no memory
  std::uint64_t threads = 0;     // all of them become one
};

// The calls of all threads in their order; each block has an id of its own. What the format cannot say is counted. Throws
// Error: a call that no heap could be asked to do again is named.
RepLosses export_rep(Reader& reader, std::ostream& out);

// A trace of one thread. Throws Error: NAME:LINE and what is wrong there. Memory: O(live blocks).
void import_rep(std::istream& in, const std::string& name, const std::string& path);

}  // namespace trestle::trace
