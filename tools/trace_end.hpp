// What every command that reads a trace says of one whose program did not end in order.
#pragma once

#include <iostream>

#include "trace/reader.hpp"

namespace trestle::tool {

// On stderr, and nothing where it did. All that the trace holds can be used: the calls are those that were made until then.
inline void warn_if_not_ended(const trace::Reader& reader) {
  if (reader.has_ended()) return;
  std::cerr << "trestle: " << reader.path() << ": not ended: it stops at byte " << reader.stop()
            << "; the process was killed, or became a program that was not recorded\n";
}

}  // namespace trestle::tool
