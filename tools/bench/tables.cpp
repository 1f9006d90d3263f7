#include "bench/tables.hpp"

#include <iomanip>
#include <sstream>

#include "bench/bars.hpp"

namespace trestle::tool {
namespace {

constexpr int kName = 18;
constexpr int kColumn = 10;

void print_head(std::ostream& out, const std::string& title, const Campaign& campaign, const char* first) {
  out << '\n' << title << '\n' << std::left << std::setw(kName) << "" << std::right << std::setw(kColumn + 3) << first;
  for (const Allocator& allocator : campaign.allocators)
    out << std::setw(kColumn) << allocator.name.substr(0, kColumn - 1);
  out << '\n';
}

// The base's own value, with its unit.
std::string absolute(const Medians& medians, Measure measure, const Workload& workload, const std::string& base) {
  const std::optional<double> value = medians.value(measure, workload.name, base);
  if (!value) return "-";
  if (measure == Measure::rss) return as_text(*value / 1024, 1) + " MiB";
  return workload.cost == Cost::cpu ? as_text(*value * 1000, 0) + " ms" : as_text(value, 1) + " ns";
}

void print_ratios(std::ostream& out, const Campaign& campaign, const Medians& medians, Measure measure,
                  const std::string& title) {
  print_head(out, title, campaign, "base");
  for (const Workload& workload : campaign.workloads) {
    if (!workload.is_row()) continue;
    out << std::left << std::setw(kName) << workload.name << std::right << std::setw(kColumn + 3)
        << absolute(medians, measure, workload, campaign.base);
    for (const Allocator& allocator : campaign.allocators) {
      out << std::setw(kColumn) << as_text(medians.ratio(measure, workload.name, allocator.name, campaign.base), 2);
    }
    out << '\n';
  }
  out << std::left << std::setw(kName + kColumn + 3) << "geometric mean" << std::right;
  for (const Allocator& allocator : campaign.allocators) {
    const std::optional<Mean> mean = medians.mean(measure, allocator.name, campaign.base);
    out << std::setw(kColumn) << as_text(mean ? std::optional(mean->value) : std::nullopt, 3);
  }
  out << '\n';
}

// A row for each figure, under the same columns as the ratios. A study that nobody has a figure of is left out.
void print_study(std::ostream& out, const Campaign& campaign, const Medians& medians, const Study& study) {
  std::ostringstream rows;
  for (const auto& [workload, figure] : study.columns) {
    std::ostringstream cells;
    bool is_blank = true;
    for (const Allocator& allocator : campaign.allocators) {
      const std::optional<double> value = medians.figure(figure, workload, allocator.name);
      is_blank = is_blank && !value;
      cells << std::setw(kColumn) << as_text(value, value && *value >= 1000 ? 0 : 2);
    }
    const std::string head = std::string(figure) == "ns_per_op" ? workload : figure;
    if (!is_blank) rows << std::left << std::setw(kName + kColumn + 3) << head << std::right << cells.str() << '\n';
  }
  if (rows.str().empty()) return;
  print_head(out, std::string(study.title) + ", " + study.unit, campaign, "");
  out << rows.str();
}

void print_bars(std::ostream& out, const std::vector<Bar>& bars) {
  out << "\nto reach" << std::string(78, ' ') << "limit     value\n";
  std::size_t unmeasured = 0;
  for (const Bar& bar : bars) {
    if (!bar.value) {
      ++unmeasured;
      continue;
    }
    out << "  " << std::left << std::setw(81) << bar.what << std::right << (bar.at_least ? ">=" : "<=") << std::setw(6)
        << as_text(bar.limit, 2) << std::setw(10) << as_text(bar.value, 2)
        << (bar.is_reached() ? "  reached" : "  NOT reached");
    if (!bar.note.empty()) out << "  (" << bar.note << ')';
    out << '\n';
  }
  if (unmeasured > 0) out << "  and " << unmeasured << " more, of what was not measured here\n";
}

}  // namespace

std::string as_text(std::optional<double> value, int digits) {
  if (!value) return "-";
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << *value;
  return text.str();
}

const std::vector<Study>& all_studies() {
  static const std::vector<Study> kAll{
      {"latency of malloc and free",
       "ns",
       {{"latency", "malloc_p50"},
        {"latency", "malloc_p99"},
        {"latency", "malloc_p99.99"},
        {"latency", "malloc_max"},
        {"latency", "free_p50"},
        {"latency", "free_p99"},
        {"latency", "free_p99.99"},
        {"latency", "free_max"}}},
      {"as the heap grows",
       "ns an operation",
       {{"growth-1e3", "ns_per_op"}, {"growth-1e5", "ns_per_op"}, {"growth-1e7", "ns_per_op"}}},
      {"one thread, two and 64",
       "ns an operation, by the clock on the wall",
       {{"thread-churn-1", "ns_per_op"},
        {"thread-churn", "ns_per_op"},
        {"thread-churn-64", "ns_per_op"},
        {"server-1", "ns_per_op"},
        {"server", "ns_per_op"},
        {"server-64", "ns_per_op"},
        {"threads-own-1", "ns_per_op"},
        {"threads-own", "ns_per_op"},
        {"threads-own-64", "ns_per_op"},
        {"threads-medium-1", "ns_per_op"},
        {"threads-medium", "ns_per_op"},
        {"threads-medium-64", "ns_per_op"},
        {"false-sharing-1", "ns_per_op"},
        {"false-sharing", "ns_per_op"},
        {"false-sharing-64", "ns_per_op"},
        {"handover-2", "ns_per_op"},
        {"handover-64", "ns_per_op"}}},
      {"fragmentation, RSS beyond the program's own",
       "KiB",
       {{"fragmentation", "grown_kib"},
        {"fragmentation", "thinned_kib"},
        {"fragmentation", "regrown_kib"},
        {"fragmentation", "trimmed_kib"},
        {"fragmentation", "rested_kib"},
        {"fragmentation", "live_pages_kib"},
        {"fragmentation", "trimmed_to_live_pages"}}},
      {"full heap check", "ns for each of a million live objects", {{"heap-check", "ns_per_op"}}},
  };
  return kAll;
}

void print_tables(std::ostream& out, const Campaign& campaign, const Medians& medians) {
  const std::string to_base = ", as a ratio to " + campaign.base + "'s (lower is better)";
  print_ratios(out, campaign, medians, Measure::time, "time" + to_base);
  print_ratios(out, campaign, medians, Measure::rss, "peak RSS" + to_base);
  for (const Study& study : all_studies()) print_study(out, campaign, medians, study);
  print_bars(out, bars_of(campaign, medians));
  for (const LeftOut& one : campaign.left_out) out << "left out: " << one.name << ": " << one.why << '\n';
  for (const std::string& failure : failures_of(campaign)) out << "FAILED: " << failure << '\n';
}

void print_list(std::ostream& out, const Campaign& campaign) {
  for (const Workload& workload : campaign.workloads) {
    out << std::left << std::setw(kName) << workload.name << std::setw(kColumn) << workload.group << workload.what
        << '\n';
  }
  out << '\n';
  for (const Allocator& allocator : campaign.allocators) {
    out << std::left << std::setw(kName) << allocator.name << std::setw(18) << allocator.version
        << (allocator.path.empty() ? "programs built with AddressSanitizer" : allocator.path) << '\n';
  }
  for (const LeftOut& one : campaign.left_out)
    out << std::left << std::setw(kName) << one.name << "left out: " << one.why << '\n';
}

}  // namespace trestle::tool
