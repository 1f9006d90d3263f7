#include "replays.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <functional>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bench/statistics.hpp"
#include "bench/svg.hpp"
#include "summary.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;  // changes when a reader of the former would misread

std::string failure_of(const Heard& heard, unsigned limit) {
  if (heard.ended.signal == SIGALRM) return "did not end within " + std::to_string(limit) + " s";
  const std::string said = heard.err.substr(0, heard.err.find('\n'));
  return "ended with status " + std::to_string(heard.ended.status) + (said.empty() ? "" : ": " + said);
}

double median(const Replays& replays, const std::string& allocator, const std::function<double(const Replay&)>& of) {
  std::vector<double> values;
  for (const Replay& run : replays.runs) {
    if (run.allocator == allocator) values.push_back(of(run));
  }
  return median_of(values).value_or(0);
}

double added_mib(const Replay& run) { return static_cast<double>(run.peak_kib - run.before_kib) / 1024; }

Json json_of(const Replay& run) {
  Json json{{"allocator", run.allocator},
            {"cpu_seconds", run.cpu_seconds},
            {"wall_seconds", run.wall_seconds},
            {"before_kib", run.before_kib},
            {"peak_rss_kib", run.peak_kib}};
  json["resident"] = Json::array();
  for (const Resident& one : run.resident) json["resident"].push_back({one.calls, one.milliseconds, one.kib});
  return json;
}

// The first round's: the later ones look like it.
std::vector<Line> lines_of(const Replays& replays) {
  std::vector<Line> lines;
  for (const Allocator& allocator : replays.allocators) {
    const auto found = std::ranges::find(replays.runs, allocator.name, &Replay::allocator);
    if (found == replays.runs.end()) continue;
    Line line{allocator.name, "c" + std::to_string(lines.size() % 8), {}};
    for (const Resident& one : found->resident) {
      line.points.emplace_back(static_cast<double>(one.calls), static_cast<double>(one.kib - found->before_kib) / 1024);
    }
    // A thread that was ahead of another has taken its sample before one of fewer calls.
    std::ranges::sort(line.points);
    lines.push_back(std::move(line));
  }
  return lines;
}

constexpr const char* kStyle = R"(
:root{color-scheme:light dark;--c0:#8a8f98;--c1:#e4572e;--c2:#1f5fbf;--c3:#7b4fc9;--c4:#c08a3e;--c5:#6a9f58;--c6:#4f9da6;
--c7:#a3719b}
body{margin:0 auto;max-width:1000px;padding:28px 20px;font:15px/1.5 system-ui,sans-serif}
svg{width:100%;height:auto;display:block;font:11px system-ui,sans-serif}svg text{fill:currentColor}
.stroke{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}.fill{fill:var(--c)}line.grid{stroke:#8884}
.c0{--c:var(--c0)}.c1{--c:var(--c1)}.c2{--c:var(--c2)}.c3{--c:var(--c3)}.c4{--c:var(--c4)}.c5{--c:var(--c5)}
.c6{--c:var(--c6)}.c7{--c:var(--c7)}i{display:inline-block;width:11px;height:11px;margin:0 6px 0 16px;background:var(--c)}
)";

}  // namespace

Replay replay_from(const Heard& heard, const Allocator& allocator, unsigned limit) {
  Replay replay{.allocator = allocator.name, .resident = {}, .failure = {}};
  if (heard.ended.status != 0) {
    replay.failure = failure_of(heard, limit);
    return replay;
  }
  std::string place;
  std::istringstream lines(heard.out);
  for (std::string key; lines >> key;) {
    Resident resident;
    if (key == "malloc") lines >> std::ws&& std::getline(lines, place);
    if (key == "cpu") lines >> replay.cpu_seconds;
    if (key == "wall") lines >> replay.wall_seconds;
    if (key == "before") lines >> replay.before_kib;
    if (key == "peak") lines >> replay.peak_kib;
    if (key == "sample" && lines >> resident.calls >> resident.milliseconds >> resident.kib)
      replay.resident.push_back(resident);
  }
  std::error_code unseen;
  if (!fs::equivalent(place, allocator.path, unseen)) replay.failure = "is not at work: malloc is that of " + place;
  return replay;
}

void print_table(std::ostream& out, const Replays& replays) {
  const trace::PlanHeader& plan = replays.plan.header;
  out << with_commas(plan.calls) << " calls of " << replays.program << " in " << plan.threads
      << (plan.threads == 1 ? " thread" : " threads") << "; it asked for up to "
      << bytes_as_text(replays.plan.peak_bytes) << " at once\n";
  if (replays.plan.left_out != 0)
    out << "left out: " << with_commas(replays.plan.left_out) << " calls that asked for an alignment that is none\n";
  out << "                    CPU s    wall s  ns a call  peak RSS MiB\n" << std::fixed;
  for (const Allocator& allocator : replays.allocators) {
    const double cpu = median(replays, allocator.name, [](const Replay& run) { return run.cpu_seconds; });
    const double wall = median(replays, allocator.name, [](const Replay& run) { return run.wall_seconds; });
    const double calls = static_cast<double>(std::max<std::uint64_t>(plan.calls, 1));
    out << std::left << std::setw(15) << allocator.name << std::right << std::setprecision(3) << std::setw(10) << cpu
        << std::setw(10) << wall << std::setprecision(1) << std::setw(11) << cpu * 1e9 / calls << std::setw(14)
        << median(replays, allocator.name, added_mib) << '\n';
  }
}

std::string json_of(const Replays& replays) {
  Json json{{"format", kFormat},
            {"trace", replays.trace},
            {"program", replays.program},
            {"calls", replays.plan.header.calls},
            {"threads", replays.plan.header.threads},
            {"peak_requested_bytes", replays.plan.peak_bytes},
            {"left_out", replays.plan.left_out}};
  json["allocators"] = json["runs"] = Json::array();
  for (const Allocator& one : replays.allocators) {
    json["allocators"].push_back({{"name", one.name}, {"path", one.path}, {"version", one.version}});
  }
  for (const Replay& run : replays.runs) json["runs"].push_back(json_of(run));
  return json.dump(1) + "\n";
}

std::string page_of(const Replays& replays) {
  std::ostringstream out;
  std::ostringstream table;
  print_table(table, replays);
  const std::vector<Line> lines = lines_of(replays);
  out << "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head><meta "
         "charset=\"utf-8\"/><title>"
      << escaped(replays.trace) << "</title><style>" << kStyle << "</style></head>\n<body><h1>"
      << escaped(replays.trace) << "</h1>\n<pre>" << escaped(table.str()) << "</pre>\n<p>";
  for (const Line& line : lines) out << "<i class=\"" << line.colour << "\"></i>" << escaped(line.label);
  out << "</p>\n" << draw_lines("Resident memory over the calls", lines, {"calls"}, {"MiB"}) << "</body></html>\n";
  return out.str();
}

}  // namespace trestle::tool
