// A campaign as one page: no script, nothing from elsewhere, readable in light and dark; also well-formed XML.
#pragma once

#include <string>

#include "bench/statistics.hpp"

namespace trestle::tool {

[[nodiscard]] std::string to_html(const Campaign& campaign, const Medians& medians);

}  // namespace trestle::tool
