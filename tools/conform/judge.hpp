// From what a case's process said, and how it ended, to its verdict.
#pragma once

#include "child.hpp"
#include "conform/results.hpp"

namespace trestle::tool {

// The cases that a program of conform/ names by --list. Throws Failure for a line that is not one.
[[nodiscard]] std::vector<ConformCase> parse_cases(const std::string& said);

// `limit` is the deadline in seconds that SIGALRM stands for. A report counts as naming a misuse by the case's own expression,
// as telling the address by an address that the process told before the mistake, and as having a stack by a line "#0 ".
[[nodiscard]] ConformResult judge(const ConformCase& about, const Heard& heard, unsigned limit);

}  // namespace trestle::tool
