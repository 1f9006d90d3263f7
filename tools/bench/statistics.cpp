#include "bench/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "rates.hpp"

namespace trestle::tool {
namespace {

std::optional<double> cost_of(const Workload& workload, const Run& run) {
  if (workload.cost == Cost::cpu) return run.cpu_seconds;
  const auto found = run.figures.find("ns_per_op");
  if (found == run.figures.end()) return std::nullopt;
  return found->second;
}

}  // namespace

std::optional<double> median_of(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return median(values);
}

std::optional<double> geometric_mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    if (!(value > 0)) return std::nullopt;
    sum += std::log(value);
  }
  if (values.empty()) return std::nullopt;
  return std::exp(sum / static_cast<double>(values.size()));
}

Medians::Medians(const Campaign& campaign) {
  std::map<std::string, const Workload*> workloads;
  for (const Workload& workload : campaign.workloads) {
    workloads[workload.name] = &workload;
    if (workload.is_row()) rows_.push_back(workload.name);
  }
  std::set<Key> failed;
  for (const Run& run : campaign.runs) {
    const Key key{run.workload, run.allocator};
    const auto workload = workloads.find(run.workload);
    if (!run.failure.empty() || workload == workloads.end()) {
      failed.insert(key);
      continue;
    }
    Values& values = values_[key];
    if (const auto cost = cost_of(*workload->second, run)) values.time.push_back(*cost);
    values.rss.push_back(run.peak_rss_kib);
    for (const auto& [name, value] : run.figures) values.figures[name].push_back(value);
  }
  for (const Key& key : failed) values_.erase(key);
}

const Medians::Values* Medians::find(const std::string& workload, const std::string& allocator) const {
  const auto found = values_.find({workload, allocator});
  return found == values_.end() ? nullptr : &found->second;
}

std::optional<double> Medians::value(Measure measure, const std::string& workload, const std::string& allocator) const {
  const Values* const values = find(workload, allocator);
  if (values == nullptr) return std::nullopt;
  return median_of(measure == Measure::time ? values->time : values->rss);
}

std::optional<double> Medians::figure(const std::string& name, const std::string& workload,
                                      const std::string& allocator) const {
  const Values* const values = find(workload, allocator);
  if (values == nullptr || !values->figures.contains(name)) return std::nullopt;
  return median_of(values->figures.at(name));
}

std::optional<double> Medians::ratio(Measure measure, const std::string& workload, const std::string& allocator,
                                     const std::string& base) const {
  const std::optional<double> own = value(measure, workload, allocator);
  const std::optional<double> other = value(measure, workload, base);
  if (!own || !other || !(*other > 0)) return std::nullopt;
  return *own / *other;
}

std::optional<Mean> Medians::mean(Measure measure, const std::string& allocator, const std::string& base) const {
  std::vector<double> ratios;
  Mean mean;
  for (const std::string& row : rows_) {
    const std::optional<double> one = ratio(measure, row, allocator, base);
    if (!one) continue;
    ratios.push_back(*one);
    if (*one <= mean.worst) continue;
    mean.worst = *one;
    mean.worst_workload = row;
  }
  const std::optional<double> value = geometric_mean(ratios);
  if (!value) return std::nullopt;
  mean.value = *value;
  mean.workloads = ratios.size();
  return mean;
}

std::vector<std::string> Medians::figures_of(const std::string& workload) const {
  std::set<std::string> names;
  for (const auto& [key, values] : values_) {
    if (key.first != workload) continue;
    for (const auto& [name, told] : values.figures) names.insert(name);
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> failures_of(const Campaign& campaign) {
  std::vector<std::string> lines;
  for (const Run& run : campaign.runs) {
    if (run.failure.empty()) continue;
    const std::string line = run.workload + " on " + run.allocator + ": " + run.failure;
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  }
  return lines;
}

void compare_answers(Campaign& campaign) {
  std::map<std::string, std::map<std::string, std::size_t>> votes;
  std::map<std::string, std::string> right;
  for (const Run& run : campaign.runs) {
    if (!run.failure.empty()) continue;
    auto& count = votes[run.workload];
    ++count[run.answer];
    std::string& leader = right.try_emplace(run.workload, run.answer).first->second;
    if (count[run.answer] > count[leader]) leader = run.answer;
  }
  for (Run& run : campaign.runs) {
    if (!run.failure.empty() || run.answer == right[run.workload]) continue;
    run.failure = "gave another result (" + run.answer + ", most gave " + right[run.workload] + ")";
  }
}

}  // namespace trestle::tool
