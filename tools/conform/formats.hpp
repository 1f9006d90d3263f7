// An examination as text for a terminal, as a page, and as files for those who collect results.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "conform/results.hpp"

namespace trestle::tool {

// The scores, then what each library does wrong, could do better and does otherwise than others.
void print_examination(std::ostream& out, const Examination& examination);

// One HTML page without scripts: the same, each case on each library, and the programs of what failed.
[[nodiscard]] std::string page_of(const Examination& examination);

// A suite a library, a test a case. A violation is a failure, what a library does not offer is skipped.
[[nodiscard]] std::string junit_of(const Examination& examination);

// A result for each violation, with its rule, at the library's file.
[[nodiscard]] nlohmann::ordered_json sarif_of(const Examination& examination);

// All of it.
[[nodiscard]] nlohmann::ordered_json json_of(const Examination& examination);

}  // namespace trestle::tool
