// How fast a fuzz target is, from what libFuzzer says at its end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::tool {

// The number behind `stat::NAME:` in libFuzzer's final statistics. Throws Failure where there is none.
[[nodiscard]] std::uint64_t statistic(const std::string& said, std::string_view name);

// Of an even number of values the mean of the two in the middle. Precondition: there are some.
[[nodiscard]] double median(std::vector<double> values);

}  // namespace trestle::tool
