// The process's heap while nothing in the process moves, with the blocks that some pointer leads to marked.
#pragma once

#include <cstdint>
#include <string_view>

#include "leak/reach.hpp"
#include "os/caller.hpp"
#include "os/stopped_threads.hpp"

namespace trestle {

enum class Marked : std::uint8_t { done, no_memory, late, not_stopped, not_read, damaged, not_now, under_valgrind };

struct MarkUse {
  // Freed blocks that wait are marked as well, which lead nowhere, and all live ones count as reached.
  bool with_retired;
  std::uint64_t patience_ns;  // with threads that do not stop
  std::size_t stack_bytes;    // default_stack_bytes(); 0: it is asked for, which takes a lock of the C library's
  Marked (*use)(Reach& reach, os::StoppedThreads& others, void* context) noexcept;
  void* context;
};

// Marks what roots lead to and calls use(reach, others, context), which may let the others go: the heap is locked, for all
// but the caller, until it returns. What it returns is the answer; where no mark could be made it is not called. `caller`:
// of whom the program's part of the stack is.
Marked mark_heap(const os::Caller& caller, const MarkUse& how) noexcept;

// Why it was not made.
[[nodiscard]] std::string_view reason(Marked marked) noexcept;

}  // namespace trestle
