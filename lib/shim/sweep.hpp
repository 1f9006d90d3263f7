// Freed blocks that wait until no pointer leads to them any more (MineSweeper, Erdos et al. 2022; MarkUs, Ainsworth and
// Jones 2020).
#pragma once

#include <cstdint>

#include "report/report.hpp"
#include "shim/marked_heap.hpp"
#include "shim/process_heap.hpp"

namespace trestle {

// Lets the freed blocks that wait, and that nothing leads to, be used again. `swept`: how many. Faults that are found in
// them are reported as the call's.
Marked sweep(const os::Caller& caller, const Call& call, std::uint64_t& swept) noexcept;

// From now on freed blocks wait for a sweep, and one is made when they have become many.
void begin_sweeps() noexcept;
// In the child of a fork: whichever the parent was at work on is not made here.
void begin_sweeps_of_child() noexcept;
void make_due_sweep(const Call& call) noexcept;
// Makes one if it is due.
inline void sweep_if_due(const Call& call) noexcept {
  if (process_heap().is_sweep_due()) [[unlikely]]
    make_due_sweep(call);
}

}  // namespace trestle
