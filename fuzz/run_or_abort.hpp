// An input of a fuzz target, run. Aborts iff that fails, with one line that names the failure, and the program as C++ that
// pastes into a regression.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "ops/runners.hpp"

namespace trestle::ops {

inline void run_or_abort(const Vocabulary& vocabulary, const std::uint8_t* data, std::size_t size,
                         std::optional<Failure> (*run_on)(const Program&)) {
  static Program program;
  decode(vocabulary, {data, size}, program);
  const std::optional<Failure> failure = run_on(program);
  if (!failure) return;
  const std::string op = failure->op < program.ops.size() ? to_text(program.ops[failure->op]) : "end of program";
  std::fprintf(stderr, "ERROR: %s (%s) op #%zu %s\n%s\n", name_of(failure->what), failure->detail.c_str(), failure->op,
               op.c_str(), to_cpp(program).c_str());
  std::abort();
}

// On the engine that the program names, in a buffer or not.
[[nodiscard]] inline std::optional<Failure> run_on_either(const Program& program) {
  return program.stage.buffer_bytes != 0 ? run_on_buffer(program) : run_on_heap(program);
}

}  // namespace trestle::ops
