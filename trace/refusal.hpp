// What no heap could be asked to do again.
#pragma once

#include <string>

#include "trace/resolve.hpp"

namespace trestle::trace {

// Throws Error, which names the call, where it was given a block that the trace does not hold, or returned one that lives.
inline void refuse_what_no_heap_does(const std::string& path, const Op& op) {
  if (op.effect != Effect::stray && op.effect != Effect::twice) return;
  throw Error(path + ": call " + std::to_string(op.index) + ", " + shape_of(op.call).name + " in thread " +
              std::to_string(op.thread) +
              (op.effect == Effect::stray ? ": was given a block that the trace does not hold"
                                          : ": returned an address at which a block lives"));
}

}  // namespace trestle::trace
