// Programs on the engines under test, compiled once for the fuzz targets, the properties and the regressions.
#pragma once

#include <cstddef>
#include <optional>

#include "ops/oracle.hpp"
#include "ops/program.hpp"

namespace trestle::ops {

// A program on a fresh engine of the policy that its stage names: a Heap, with quarantines that programs fill, a BufferHeap, or
// a BitmapHeap. Nothing: every expectation was met. Not thread-safe: an engine's memory is one for all programs.
[[nodiscard]] std::optional<Failure> run_on_heap(const Program& program);
[[nodiscard]] std::optional<Failure> run_on_buffer(const Program& program);
[[nodiscard]] std::optional<Failure> run_on_bitmap(const Program& program);

// A program whose ops run on several threads at once, those of each in order, on the heap of its policy; its preemptions decide
// which goes on. Of one slot's ops one runs at a time. Whenever another thread goes
// on, and after each op, the heap is checked in full if nobody is inside.
[[nodiscard]] std::optional<Failure> run_on_threads(const Program& program);

// The calls of the system that the last program on a Heap of that policy took.
[[nodiscard]] std::size_t os_calls_of_heap(PolicyName policy);

}  // namespace trestle::ops
