// Which blocks of the process's heap no pointer leads to any more, by where they were allocated.
#pragma once

#include <cstddef>
#include <span>

#include "report/report.hpp"
#include "shim/marked_heap.hpp"

namespace trestle {

// Blocks from one place: a stack, or where none is known a size.
struct LeakGroup {
  const Trace* trace;
  std::size_t size;  // of the first of them
  const void* first;
  Leaked leaked;
};

// Calls use(groups, context) once, with all groups, the most bytes first; the heap is free to use then. Not where the search
// could not be made.
Marked find_leaks(const os::Caller& caller, void (*use)(std::span<const LeakGroup> groups, void* context),
                  void* context) noexcept;

// Reports the largest ones as warnings, and all of them in a line. `all`: how many blocks leaked and how many bytes, but
// those that are suppressed. False: the search could not be made, which a line tells.
[[nodiscard]] bool report_leaks(const os::Caller& caller, const Call& call, Leaked& all) noexcept;

}  // namespace trestle
