// What a fuzz target does with a failure: one line that names it, the program as C++ that pastes into a regression, abort.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "ops/oracle.hpp"
#include "ops/program.hpp"

namespace trestle::ops {

[[noreturn]] inline void report_and_abort(const Program& program, const Failure& failure) {
  const std::string op = failure.op < program.ops.size() ? to_text(program.ops[failure.op]) : "end of program";
  std::fprintf(stderr, "ERROR: %s (%s) op #%zu %s\n%s\n", name_of(failure.what), failure.detail.c_str(), failure.op,
               op.c_str(), to_cpp(program).c_str());
  std::abort();
}

}  // namespace trestle::ops
