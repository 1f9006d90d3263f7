// From the runs of a campaign to the few numbers that are shown: medians, ratios to a base, geometric means.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/measurement.hpp"

namespace trestle::tool {

// The list with its first `by` elements moved to the end, so that each round begins with another.
template <class T>
[[nodiscard]] std::vector<T> rotated(const std::vector<T>& list, std::size_t by) {
  std::vector<T> turned;
  turned.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) turned.push_back(list[(i + by) % list.size()]);
  return turned;
}

// Of an even number of values the mean of the two in the middle; nothing where there are none.
[[nodiscard]] std::optional<double> median_of(const std::vector<double>& values);

// Nothing where there are no values, or where one is not positive.
[[nodiscard]] std::optional<double> geometric_mean(const std::vector<double>& values);

enum class Measure { time, rss };

// A mean of ratios, and the highest of them.
struct Mean {
  double value = 0;
  std::size_t workloads = 0;
  double worst = 0;
  std::string worst_workload;
};

// The medians of a campaign. An allocator that failed in a workload has none there.
class Medians {
 public:
  explicit Medians(const Campaign& campaign);

  // CPU seconds or nanoseconds an operation; KiB.
  [[nodiscard]] std::optional<double> value(Measure measure, const std::string& workload,
                                            const std::string& allocator) const;
  [[nodiscard]] std::optional<double> figure(const std::string& name, const std::string& workload,
                                             const std::string& allocator) const;
  [[nodiscard]] std::optional<double> ratio(Measure measure, const std::string& workload, const std::string& allocator,
                                            const std::string& base) const;
  // Over the rows where both have a value; nothing where there is none such.
  [[nodiscard]] std::optional<Mean> mean(Measure measure, const std::string& allocator, const std::string& base) const;
  // The names of all figures that a workload told, sorted.
  [[nodiscard]] std::vector<std::string> figures_of(const std::string& workload) const;

 private:
  using Key = std::pair<std::string, std::string>;  // workload, allocator
  struct Values {
    std::vector<double> time;
    std::vector<double> rss;
    std::map<std::string, std::vector<double>> figures;
  };
  const Values* find(const std::string& workload, const std::string& allocator) const;

  std::vector<std::string> rows_;
  std::map<Key, Values> values_;
};

// The failures of a campaign, a line each, without repetitions.
[[nodiscard]] std::vector<std::string> failures_of(const Campaign& campaign);

// Gives a failure to each run whose answer is not the one that most runs of its workload gave; the first given wins a tie.
void compare_answers(Campaign& campaign);

}  // namespace trestle::tool
