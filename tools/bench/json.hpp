// A campaign as JSON: all of its runs, so that another program can judge them anew, and what we made of them.
#pragma once

#include <istream>
#include <string>

#include "bench/statistics.hpp"

namespace trestle::tool {

[[nodiscard]] std::string to_json(const Campaign& campaign, const Medians& medians);

// Throws Failure (kOwnFailure) where the text is not such a campaign.
[[nodiscard]] Campaign campaign_from_json(std::istream& text);

}  // namespace trestle::tool
