// A program of ops tried on this process's malloc, in a forked process of its own, so that it finds the heap as it was at the
// start, and that a crash or a hang ends nothing else.
#pragma once

#include <cstddef>
#include <string>

#include "ops/oracle.hpp"
#include "ops/program.hpp"

namespace trestle::conform {

inline constexpr unsigned kSecondsPerProgram = 20;
inline constexpr const char* kDidNotEnd = "did not end";  // how that failure's words begin

// What a process leaves behind, whatever becomes of it.
struct Outcome {
  ops::Expectation what = ops::Expectation::met;
  char detail[400] = "";
  char answers[400] = "";  // of the calls that ask for memory: '+' a block, '0' null
};

// How a program fails, in a few words that are the same for the same mistake; empty: it does not.
struct Tried {
  std::string how;
  Outcome outcome;
};

// Called in the forked process when the program has ended, however it was judged.
using AtEnd = void (*)(void* context);

[[nodiscard]] Tried try_program(const ops::Program& program, unsigned seconds = kSecondsPerProgram,
                                AtEnd at_end = nullptr, void* context = nullptr);

}  // namespace trestle::conform
