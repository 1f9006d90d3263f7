// A trace made ready to be replayed: a file of steps of one size, those of each thread together. The tool writes it, the
// worker reads it; both are of one build, so it has no version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "trace/format.hpp"

namespace trestle::trace {

enum class StepKind : std::uint8_t { call = 0, sample = kCalls, start };  // below: the Call of that number

// What is not a call has in `slot` which sample it is, or which thread starts.
struct Step {
  std::uint64_t size : 48 = 0;       // bytes; of an end, what the block had; more than this there is not
  std::uint64_t shift : 6 = 0;       // of the alignment; 0: the usual one
  std::uint64_t kind : 5 = 0;        // a Call, or a StepKind
  std::uint64_t waits : 1 = 0;       // the step on this slot before this one is another thread's
  std::uint64_t is_awaited : 1 = 0;  // the one behind this one is
  std::uint64_t fails : 1 = 0;       // it did; should it not here, the block is freed at once
  std::uint64_t ends : 1 = 0;        // a realloc that frees
  std::uint64_t begins : 1 = 0;      // a realloc that allocates
  std::uint32_t slot = 0;
  std::uint32_t turn = 0;  // how many steps on this slot are before this one, modulo 2^32
};
static_assert(sizeof(Step) == 16);
inline constexpr std::uint64_t kLargestSize = (std::uint64_t{1} << 48) - 1;

// Behind it as many Streams as there are threads, then the steps.
struct PlanHeader {
  std::uint32_t threads;
  std::uint32_t slots;
  std::uint32_t samples;
  std::uint32_t first_thread;
  std::uint64_t calls;
};
struct Stream {
  std::uint64_t first_step;
  std::uint64_t steps;
};

class Reader;

// What a plan has, for a table's head.
struct PlanSummary {
  PlanHeader header{};
  std::uint64_t peak_bytes = 0;  // asked for by the blocks that lived at once
  std::uint64_t left_out = 0;    // calls that asked for an alignment that is none
};

// Writes the plan of `reader`'s trace to `path`. Throws Error: a call that cannot be replayed is named.
[[nodiscard]] PlanSummary write_plan(Reader& reader, const std::string& path);

}  // namespace trestle::trace
