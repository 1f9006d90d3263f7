// A campaign as text for a terminal.
#pragma once

#include <ostream>

#include "bench/statistics.hpp"

namespace trestle::tool {

// Time and peak RSS as ratios to the base with their geometric means, the studies' figures, the bars, what was left out and
// what failed.
void print_tables(std::ostream& out, const Campaign& campaign, const Medians& medians);

// The workloads and allocators that a campaign would have.
void print_list(std::ostream& out, const Campaign& campaign);

// The number with so many digits behind its point; "-" where there is none.
[[nodiscard]] std::string as_text(std::optional<double> value, int digits);

// The figures of the studies that are shown, in the tables and on the page.
struct Study {
  const char* title;
  const char* unit;
  std::vector<std::pair<const char*, const char*>> columns;  // workload and figure
};
[[nodiscard]] const std::vector<Study>& all_studies();

}  // namespace trestle::tool
