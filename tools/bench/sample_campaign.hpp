// A small campaign for the tests: two rows, a study and three allocators, of which one failed in a row.
#pragma once

#include <algorithm>

#include "bench/measurement.hpp"

namespace trestle::tool {

inline Run sample_run(const std::string& workload, const std::string& allocator, double time, double rss) {
  Run run;
  run.workload = workload;
  run.allocator = allocator;
  run.round = 1;
  run.cpu_seconds = time;
  run.wall_seconds = 2 * time;
  run.peak_rss_kib = rss;
  run.figures["ns_per_op"] = 10 * time;
  run.answer = "same";
  return run;
}

inline Campaign sample_campaign() {
  Campaign campaign;
  campaign.started = "2026-01-02T03:04:05Z";
  campaign.version = "1.2.3";
  campaign.rounds = 3;
  campaign.base = "mimalloc";
  campaign.machine = {"a <fast> processor & more", "Linux 1", "Debian", 2, 8, 0.5};
  campaign.allocators = {{"mimalloc", "/m.so", "2"}, {"fast", "/f.so", "1"}, {"<odd>", "/o.so", ""}};
  campaign.workloads = {{"alone", "own", Cost::cpu, "by itself", {"{programs}/alone"}},
                        {"crowd", "threads", Cost::reported, "together", {"{programs}/crowd", "2"}},
                        {"latency", "study", Cost::reported, "single operations", {"{programs}/latency"}}};
  campaign.left_out = {{"scudo", "not installed"}};
  for (const double noise : {1.0, 1.5, 0.9}) {
    campaign.runs.push_back(sample_run("alone", "mimalloc", 2 * noise, 1000));
    campaign.runs.push_back(sample_run("alone", "fast", 1 * noise, 500));
    campaign.runs.push_back(sample_run("crowd", "mimalloc", 1 * noise, 1000));
    campaign.runs.push_back(sample_run("crowd", "fast", 8 * noise, 4000));
    campaign.runs.push_back(sample_run("latency", "fast", 3 * noise, 1000));
    campaign.runs.push_back(sample_run("latency", "mimalloc", 300 * noise, 1000));
  }
  campaign.runs.push_back(sample_run("alone", "<odd>", 6, 3000));
  campaign.runs.push_back(sample_run("crowd", "<odd>", 1, 1));
  campaign.runs.back().failure = "ended with status 139";
  campaign.runs.back().resident = {{1, 2}, {3, 4}};
  campaign.runs.front().resident = {{1, 2048}, {2.5, 4096}};
  return campaign;
}

// A run of one more study.
inline void add_figure(Campaign& campaign, const std::string& workload, const std::string& allocator,
                       double nanoseconds) {
  const auto is_known = [&](const Workload& one) { return one.name == workload; };
  if (std::none_of(campaign.workloads.begin(), campaign.workloads.end(), is_known)) {
    campaign.workloads.push_back({workload, "study", Cost::reported, "", {}});
  }
  campaign.runs.push_back(sample_run(workload, allocator, nanoseconds / 10, 1));
}

}  // namespace trestle::tool
