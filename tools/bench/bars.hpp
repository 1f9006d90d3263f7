// The figures that Trestle is to reach, and whether a campaign reached them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/statistics.hpp"

namespace trestle::tool {

struct Bar {
  std::string what;
  double limit = 0;
  bool at_least = false;        // the value is to be no lower than the limit; otherwise no higher
  std::optional<double> value;  // nothing: not measured in this campaign
  std::string note;

  [[nodiscard]] bool is_reached() const { return value && (at_least ? *value >= limit : *value <= limit); }
};

// All of them, in the order of the tables; those of allocators and workloads that the campaign lacks have no value.
[[nodiscard]] std::vector<Bar> bars_of(const Campaign& campaign, const Medians& medians);

// The part of one thread's throughput that each of `many`'s threads keeps or, where they are more than the processors, each
// processor: `parallel` is the lower of the two numbers, over that of the threads of `one` where these are more than one.
// Nothing where a figure is lacking.
[[nodiscard]] std::optional<double> throughput_kept(const Medians& medians, const std::string& one,
                                                    const std::string& many, double parallel,
                                                    const std::string& allocator);

// The workloads that are also run with one thread and with 64, by the name of the row with two.
[[nodiscard]] const std::vector<std::string>& scaled_workloads();

// How many times as much an operation takes with ten million live objects as with a thousand.
[[nodiscard]] std::optional<double> slope(const Medians& medians, const std::string& allocator);

}  // namespace trestle::tool
