#include "bench/bars.hpp"

#include <algorithm>
#include <sstream>

namespace trestle::tool {
namespace {

constexpr const char* kNsPerOp = "ns_per_op";

std::string as_text(double value) {
  std::ostringstream text;
  text.precision(2);
  text << std::fixed << value;
  return text.str();
}

// A policy against a peer: the means of time and memory, and where it is asked for the worst row's time.
struct Duel {
  const char* policy;
  const char* peer;
  double time;
  double rss;
  double worst_time;  // 0: not asked for
};

constexpr Duel kDuels[] = {
    {"fast", "mimalloc", 1.00, 0.75, 0},  {"hardened", "mimalloc", 1.20, 0.75, 2.0},
    {"hardened", "glibc", 0.95, 1.15, 0}, {"hardened", "scudo", 0.60, 1.05, 0},
    {"debug", "asan", 1.00, 1.00, 0},
};

void add_duel(const Duel& duel, const Medians& medians, std::vector<Bar>& bars) {
  const std::string names = std::string(duel.policy) + " / " + duel.peer;
  const std::optional<Mean> time = medians.mean(Measure::time, duel.policy, duel.peer);
  const std::optional<Mean> rss = medians.mean(Measure::rss, duel.policy, duel.peer);
  const auto over = [](const std::optional<Mean>& mean) {
    return mean ? "geometric mean of " + std::to_string(mean->workloads) + " workloads" : std::string();
  };
  const auto value = [](const std::optional<Mean>& mean) { return mean ? std::optional(mean->value) : std::nullopt; };
  bars.push_back({names + ", time", duel.time, false, value(time), over(time)});
  if (duel.worst_time > 0) {
    bars.push_back({names + ", time of the worst workload", duel.worst_time, false,
                    time ? std::optional(time->worst) : std::nullopt, time ? time->worst_workload : ""});
  }
  bars.push_back({names + ", peak RSS", duel.rss, false, value(rss), over(rss)});
}

void add_scaling(const std::string& policy, const Campaign& campaign, const Medians& medians, std::vector<Bar>& bars) {
  for (const std::string& row : scaled_workloads()) {
    bars.push_back({policy + ", throughput a thread kept from 1 to 2 threads, " + row, 0.95, true,
                    throughput_kept(medians, row + "-1", row, std::min(2U, campaign.machine.cores), policy),
                    campaign.machine.cores < 2 ? "fewer than 2 processors" : ""});
  }
}

bool is_peer(const std::string& name) {
  return name != "fast" && name != "hardened" && name != "debug" && name != "asan";
}

struct Peer {
  std::string name;
  double value;
};

// Of the peers that have a value the one whose is best: the highest, or the lowest. Nothing where none has one.
template <class ValueOf>
std::optional<Peer> best_peer(const Campaign& campaign, bool highest, const ValueOf& value_of) {
  std::optional<Peer> best;
  for (const Allocator& allocator : campaign.allocators) {
    const std::optional<double> value = is_peer(allocator.name) ? value_of(allocator.name) : std::nullopt;
    if (!value || (best && (highest ? *value <= best->value : *value >= best->value))) continue;
    best = {allocator.name, *value};
  }
  return best;
}

// A workload of threads that is also run with 64, and what that is held against: the study or row with the fewest.
struct Crowd {
  std::string name;
  std::string few;
  unsigned few_threads;
};

// A handover needs a thread that makes and one that frees: it has no figure of one thread, neither here nor from 1 to 2.
std::vector<Crowd> all_crowds() {
  std::vector<Crowd> crowds;
  for (const std::string& row : scaled_workloads()) crowds.push_back({row, row + "-1", 1});
  crowds.push_back({"handover", "handover-2", 2});
  return crowds;
}

// Ours over the best peer's: what is kept with 64 threads of what one thread, or the fewest, had.
void add_crowd(const std::string& policy, const Campaign& campaign, const Medians& medians, std::vector<Bar>& bars) {
  const auto used_by = [&](unsigned threads) { return static_cast<double>(std::min(threads, campaign.machine.cores)); };
  for (const Crowd& crowd : all_crowds()) {
    const double parallel = used_by(64) / std::max(used_by(crowd.few_threads), 1.0);
    const auto kept = [&](const std::string& allocator) {
      return throughput_kept(medians, crowd.few, crowd.name + "-64", parallel, allocator);
    };
    const std::optional<Peer> best = best_peer(campaign, true, kept);
    const std::optional<double> ours = kept(policy);
    bars.push_back(
        {policy + ", throughput kept with 64 threads beside the best peer's, " + crowd.name, 1.0, true,
         ours && best ? std::optional(*ours / best->value) : std::nullopt,
         ours && best ? best->name + " keeps " + as_text(best->value) + ", " + policy + " " + as_text(*ours) : ""});
  }
}

// Two threads that write to small objects of their own are not to wait for one another because of where those lie.
void add_false_sharing(const std::string& policy, const Campaign& campaign, const Medians& medians,
                       std::vector<Bar>& bars) {
  const auto time = [&](const std::string& allocator) { return medians.figure(kNsPerOp, "false-sharing", allocator); };
  const std::optional<Peer> best = best_peer(campaign, false, time);
  const std::optional<double> ours = time(policy);
  bars.push_back(
      {policy + ", time of false-sharing over the fastest peer's", 1.0, false,
       ours && best && best->value > 0 ? std::optional(*ours / best->value) : std::nullopt,
       ours && best ? best->name + " takes " + as_text(best->value) + " ns, " + policy + " " + as_text(*ours) : ""});
}

void add_slope(const std::string& policy, const Medians& medians, std::vector<Bar>& bars) {
  const std::optional<double> ours = slope(medians, policy);
  const std::optional<double> theirs = slope(medians, "mimalloc");
  bars.push_back({policy + " / mimalloc, slope from 1e3 to 1e7 live objects", 1.0, false,
                  ours && theirs ? std::optional(*ours / *theirs) : std::nullopt,
                  ours && theirs ? "slopes " + as_text(*ours) + " and " + as_text(*theirs) : ""});
}

}  // namespace

const std::vector<std::string>& scaled_workloads() {
  static const std::vector<std::string> kRows{"thread-churn", "server", "threads-own", "threads-medium",
                                              "false-sharing"};
  return kRows;
}

std::optional<double> throughput_kept(const Medians& medians, const std::string& one, const std::string& many,
                                      double parallel, const std::string& allocator) {
  const std::optional<double> alone = medians.figure(kNsPerOp, one, allocator);
  const std::optional<double> together = medians.figure(kNsPerOp, many, allocator);
  if (!alone || !together || !(parallel > 0)) return std::nullopt;
  return *alone / *together / parallel;
}

std::optional<double> slope(const Medians& medians, const std::string& allocator) {
  const std::optional<double> few = medians.figure(kNsPerOp, "growth-1e3", allocator);
  const std::optional<double> many = medians.figure(kNsPerOp, "growth-1e7", allocator);
  if (!few || !many || !(*few > 0)) return std::nullopt;
  return *many / *few;
}

std::vector<Bar> bars_of(const Campaign& campaign, const Medians& medians) {
  std::vector<Bar> bars;
  for (const Duel& duel : kDuels) add_duel(duel, medians, bars);
  for (const std::string policy : {"fast", "hardened"}) {
    bars.push_back({policy + ", RSS after malloc_trim over the pages that live bytes lie on", 1.10, false,
                    medians.figure("trimmed_to_live_pages", "fragmentation", policy), ""});
  }
  for (const std::string policy : {"fast", "hardened"}) add_scaling(policy, campaign, medians, bars);
  for (const std::string policy : {"fast", "hardened"}) add_crowd(policy, campaign, medians, bars);
  for (const std::string policy : {"fast", "hardened"}) add_false_sharing(policy, campaign, medians, bars);
  for (const std::string policy : {"fast", "hardened"}) add_slope(policy, medians, bars);
  bars.push_back({"hardened, full heap check, ns for each of a million live objects", 30, false,
                  medians.figure(kNsPerOp, "heap-check", "hardened"), ""});
  return bars;
}

}  // namespace trestle::tool
