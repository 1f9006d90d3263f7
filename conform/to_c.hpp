// A program of ops as a C program that compiles alone, performs them and looks at what the oracle would look at.
#pragma once

#include <string>

#include "ops/program.hpp"

namespace trestle::conform {

// `why` is what was found, one line. The program ends with status 1 and a word where a rule is broken, and with 0 otherwise.
[[nodiscard]] std::string to_c(const ops::Program& program, const std::string& why);

}  // namespace trestle::conform
