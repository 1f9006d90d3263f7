#include "bench/html.hpp"

#include <sstream>

#include "bench/bars.hpp"
#include "bench/svg.hpp"
#include "bench/tables.hpp"

namespace trestle::tool {
namespace {

// Bars longer than this many times the base's are cut: one bad figure would make all others look alike.
constexpr double kCut = 4;

// Ours strong, the peers' paler; each theme has shades that stand out from its ground.
constexpr const char* kStyle = R"(
:root{--ground:#fbfbf9;--card:#fff;--ink:#1c1e21;--soft:#5c6370;--rule:#dcdfe4;--good:#1a7f4b;--bad:#b3261e;
--glibc:#8a8f98;--jemalloc:#c08a3e;--mimalloc:#6a9f58;--tcmalloc:#4f9da6;--scudo:#a3719b;--fast:#e4572e;--hardened:#1f5fbf;
--debug:#7b4fc9;--asan:#b5545c;--other:#59636e}
@media(prefers-color-scheme:dark){:root{--ground:#15171a;--card:#1d2024;--ink:#e7e9ec;--soft:#9aa3af;--rule:#343a41;
--good:#5bd08f;--bad:#ff8a80;--glibc:#8f97a3;--jemalloc:#d2a45f;--mimalloc:#86bd74;--tcmalloc:#6fbcc5;--scudo:#c394bb;
--fast:#ff7a52;--hardened:#6ea4ff;--debug:#a98bff;--asan:#d9848b;--other:#b0bac5}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1240px;padding:28px 20px 60px;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:26px;margin:0 0 2px}h2{font-size:19px;margin:38px 0 8px}h3{font-size:15px;margin:0}
p{margin:4px 0 12px;color:var(--soft);max-width:80ch}
.grid{display:grid;gap:14px;grid-template-columns:repeat(auto-fill,minmax(min(100%,590px),1fr))}
.card{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:12px 12px;min-width:0}
.card p{font-size:13px;margin:0 0 8px}
.two{display:grid;grid-template-columns:1fr 1fr;gap:8px}
@media(max-width:520px){.two{grid-template-columns:1fr}}
.two h4{margin:0 0 2px;font-size:12px;font-weight:600;color:var(--soft)}
svg{width:100%;height:auto;display:block;font:11px system-ui,sans-serif}
svg text{fill:var(--soft)}svg .value{fill:var(--ink);font-variant-numeric:tabular-nums}svg .axis{font-style:italic}
.fill{fill:var(--c)}.stroke{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}
line.grid{stroke:var(--rule)}line.one{stroke:var(--ink);stroke-dasharray:2 2;opacity:.55}
line.span{stroke:var(--rule);stroke-width:2}.cut{fill:var(--card)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
th,td{padding:3px 10px;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
th:first-child,td:first-child{text-align:left}td.note{text-align:left;color:var(--soft)}
.good{color:var(--good);font-weight:600}.bad{color:var(--bad);font-weight:600}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px;margin:6px 0 10px}
.legend i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px;background:var(--c)}
summary{cursor:pointer;color:var(--soft);margin:10px 0}
.glibc{--c:var(--glibc)}.jemalloc{--c:var(--jemalloc)}.mimalloc{--c:var(--mimalloc)}.tcmalloc{--c:var(--tcmalloc)}
.scudo{--c:var(--scudo)}.fast{--c:var(--fast)}.hardened{--c:var(--hardened)}.debug{--c:var(--debug)}.asan{--c:var(--asan)}
.other{--c:var(--other)}
)";

std::string colour_of(const std::string& allocator) {
  for (const char* const known :
       {"glibc", "jemalloc", "mimalloc", "tcmalloc", "scudo", "fast", "hardened", "debug", "asan"}) {
    if (allocator == known) return known;
  }
  return "other";
}

// Three digits are all that a ratio is worth.
std::string short_ratio(double ratio) { return plain(ratio, ratio >= 100 ? 0 : ratio >= 10 ? 1 : 2); }

// A page in the making: each part writes its section.
class Page {
 public:
  Page(const Campaign& campaign, const Medians& medians) : campaign_(campaign), medians_(medians) {}

  std::string write() {
    out_ << "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head><meta charset=\"utf-8\"/>"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/><meta name=\"color-scheme\" "
            "content=\"light dark\"/><title>Trestle beside other allocators</title><style>"
         << escaped(kStyle) << "</style></head>\n<body>\n";
    head();
    means();
    bars();
    rows();
    fragmentation();
    latency();
    growth();
    studies();
    ratios();
    complaints();
    out_ << "</body></html>\n";
    return out_.str();
  }

 private:
  void head() {
    const Machine& machine = campaign_.machine;
    out_ << "<h1>Trestle beside other allocators</h1>\n<p>" << escaped(campaign_.started) << ", medians of "
         << campaign_.rounds << (campaign_.rounds == 1 ? " round, on " : " rounds in turns, on ")
         << escaped(machine.processor) << " with " << machine.cores << " processors and "
         << plain(machine.memory_gib, 0) << " GiB; " << escaped(machine.system) << ", " << escaped(machine.kernel)
         << "; load average before: " << plain(machine.load_before) << ". Ratios are to " << escaped(campaign_.base)
         << "'s: lower is better.</p>\n";
    if (campaign_.work != 100) out_ << "<p>Our workloads did " << campaign_.work << " % of their usual work.</p>\n";
    legend(true);
  }

  void legend(bool with_versions) {
    out_ << "<div class=\"legend\">";
    for (const Allocator& one : campaign_.allocators) {
      out_ << "<span><i class=\"" << colour_of(one.name) << "\"></i>" << escaped(one.name);
      if (with_versions) out_ << ' ' << escaped(one.version);
      out_ << "</span>";
    }
    out_ << "</div>\n";
  }

  // A pair of drawings, one of time and one of memory.
  void pair(const std::string& time_head, const std::string& time, const std::string& rss_head,
            const std::string& rss) {
    out_ << "<div class=\"two\"><div><h4>" << escaped(time_head) << "</h4>" << time << "</div><div><h4>"
         << escaped(rss_head) << "</h4>" << rss << "</div></div>\n";
  }

  std::string mean_bars(Measure measure, const std::string& title) const {
    std::vector<BarRow> rows;
    for (const Allocator& one : campaign_.allocators) {
      const auto mean = medians_.mean(measure, one.name, campaign_.base);
      if (!mean) continue;
      const std::string tip = one.name + ": " + plain(mean->value, 3) + " over " + std::to_string(mean->workloads) +
                              " workloads; the worst is " + mean->worst_workload + " with " + plain(mean->worst);
      rows.push_back({one.name, colour_of(one.name), mean->value, short_ratio(mean->value), tip});
    }
    return draw_bars(title, rows, kCut);
  }

  void means() {
    out_ << "<h2>Over all workloads</h2>\n<p>Geometric means of the ratios of all workloads; an allocator that lacks "
            "some "
            "(the asan twins are of our own programs only) is compared where both have a figure.</p>\n<div "
            "class=\"card\">";
    pair("time", mean_bars(Measure::time, "geometric means of time"), "peak RSS",
         mean_bars(Measure::rss, "geometric means of peak RSS"));
    out_ << "</div>\n";
  }

  void bars() {
    out_
        << "<h2>To reach</h2>\n<div class=\"wide card\"><table><tr><th>figure</th><th>limit</th><th>value</th><th></th>"
           "<th></th></tr>\n";
    for (const Bar& bar : bars_of(campaign_, medians_)) {
      const char* const state = !bar.value ? "" : bar.is_reached() ? "good" : "bad";
      const char* const word = !bar.value ? "not measured" : bar.is_reached() ? "reached" : "not reached";
      out_ << "<tr><td>" << escaped(bar.what) << "</td><td>" << (bar.at_least ? "≥ " : "≤ ") << plain(bar.limit)
           << "</td><td>" << as_text(bar.value, 2) << "</td><td class=\"" << state << "\">" << word
           << "</td><td class=\"note\">" << escaped(bar.note) << "</td></tr>\n";
    }
    out_ << "</table></div>\n";
  }

  std::string row_bars(Measure measure, const Workload& workload) const {
    std::vector<BarRow> rows;
    for (const Allocator& one : campaign_.allocators) {
      const auto ratio = medians_.ratio(measure, workload.name, one.name, campaign_.base);
      if (!ratio) continue;
      const std::string tip = one.name + ": " + with_unit(measure, workload, one.name);
      rows.push_back({one.name, colour_of(one.name), *ratio, short_ratio(*ratio), tip});
    }
    return draw_bars(workload.name, rows, kCut);
  }

  std::string with_unit(Measure measure, const Workload& workload, const std::string& allocator) const {
    const auto value = medians_.value(measure, workload.name, allocator);
    if (!value) return "no value";
    if (measure == Measure::rss) return plain(*value / 1024, 1) + " MiB";
    return workload.cost == Cost::cpu ? plain(*value * 1000, 0) + " ms of CPU" : plain(*value, 1) + " ns an operation";
  }

  void rows() {
    out_ << "<h2>Each workload</h2>\n<p>Bars beyond " << plain(kCut, 0)
         << " times the base's are cut. Absolute figures show where the pointer rests.</p>\n<div class=\"grid\">\n";
    for (const Workload& workload : campaign_.workloads) {
      if (!workload.is_row()) continue;
      out_ << "<div class=\"card\"><h3>" << escaped(workload.name) << "</h3><p>" << escaped(workload.what) << "</p>";
      const std::string of_base = " (" + campaign_.base + ": ";
      pair("time" + of_base + with_unit(Measure::time, workload, campaign_.base) + ")",
           row_bars(Measure::time, workload),
           "peak RSS" + of_base + with_unit(Measure::rss, workload, campaign_.base) + ")",
           row_bars(Measure::rss, workload));
      out_ << "</div>\n";
    }
    out_ << "</div>\n";
  }

  // The first good run of each allocator stands for it: a mean of lines would be nobody's.
  void fragmentation() {
    std::vector<Line> lines;
    for (const Allocator& one : campaign_.allocators) {
      for (const Run& run : campaign_.runs) {
        if (run.allocator != one.name || run.resident.empty() || !run.failure.empty()) continue;
        lines.push_back({one.name, colour_of(one.name), {}});
        for (const Sample& sample : run.resident)
          lines.back().points.push_back({sample.milliseconds, sample.kib / 1024});
        break;
      }
    }
    if (lines.empty()) return;
    out_ << "<h2>Memory given back, or not</h2>\n<p>The resident set of the fragmentation workload: it grows, frees a "
            "random 90 %, allocates another size, frees half of that, calls malloc_trim and waits.</p>\n"
            "<div class=\"card\">";
    legend(false);
    out_ << draw_lines("resident set over time", lines, {"milliseconds"}, {"MiB"}) << "</div>\n";
  }

  std::string dots_of(const std::string& kind) const {
    std::vector<DotRow> rows;
    for (const Allocator& one : campaign_.allocators) {
      DotRow row{one.name, colour_of(one.name), {}};
      for (const char* const part : {"p50", "p99", "p99.99", "max"}) {
        if (const auto value = medians_.figure(kind + "_" + part, "latency", one.name))
          row.dots.push_back({part, *value});
      }
      if (!row.dots.empty()) rows.push_back(row);
    }
    return rows.empty() ? "" : draw_dots("latency of " + kind, rows, "ns");
  }

  void latency() {
    const std::string mallocs = dots_of("malloc");
    if (mallocs.empty()) return;
    out_ << "<h2>Latency of single operations</h2>\n<p>From left to right: p50, p99, p99.99 and the maximum, in a "
            "steady mixed "
            "load of 50,000 live objects. The axis is logarithmic.</p>\n<div class=\"grid\"><div "
            "class=\"card\"><h3>malloc"
            "</h3>"
         << mallocs << "</div><div class=\"card\"><h3>free</h3>" << dots_of("free") << "</div></div>\n";
  }

  void growth() {
    std::vector<Line> lines;
    for (const Allocator& one : campaign_.allocators) {
      Line line{one.name, colour_of(one.name), {}};
      for (const auto& [workload, objects] : {std::pair("growth-1e3", 1e3), {"growth-1e5", 1e5}, {"growth-1e7", 1e7}}) {
        if (const auto value = medians_.figure("ns_per_op", workload, one.name))
          line.points.push_back({objects, *value});
      }
      if (!line.points.empty()) lines.push_back(line);
    }
    if (lines.empty()) return;
    out_ << "<h2>As the heap grows</h2>\n<p>Nanoseconds an operation by the number of live objects; both axes are "
            "logarithmic. The random access to the objects is part of it.</p>\n<div class=\"card\">";
    legend(false);
    out_ << draw_lines("cost by live objects", lines, {"live objects", true}, {"ns an operation", true}) << "</div>\n";
  }

  void studies() {
    for (const Study& study : all_studies()) {
      std::ostringstream rows;
      for (const Allocator& one : campaign_.allocators) study_row(rows, study, one.name);
      if (rows.str().empty()) continue;
      out_ << "<details><summary>" << escaped(study.title) << ", " << escaped(study.unit)
           << "</summary><div class=\"wide card\"><table><tr><th></th>";
      for (const auto& [workload, figure] : study.columns) {
        out_ << "<th>" << escaped(std::string(figure) == "ns_per_op" ? workload : figure) << "</th>";
      }
      out_ << "</tr>\n" << rows.str() << "</table></div></details>\n";
    }
  }

  void study_row(std::ostream& rows, const Study& study, const std::string& allocator) const {
    std::string cells;
    bool is_blank = true;
    for (const auto& [workload, figure] : study.columns) {
      const auto value = medians_.figure(figure, workload, allocator);
      is_blank = is_blank && !value;
      cells += "<td>" + as_text(value, value && *value >= 1000 ? 0 : 2) + "</td>";
    }
    if (!is_blank) rows << "<tr><td>" << escaped(allocator) << "</td>" << cells << "</tr>\n";
  }

  void ratios() {
    for (const auto& [measure, name] : {std::pair(Measure::time, "time"), {Measure::rss, "peak RSS"}}) {
      out_ << "<details><summary>all ratios of " << name << "</summary><div class=\"wide card\"><table><tr><th></th>";
      for (const Allocator& one : campaign_.allocators) out_ << "<th>" << escaped(one.name) << "</th>";
      out_ << "</tr>\n";
      for (const Workload& workload : campaign_.workloads) {
        if (!workload.is_row()) continue;
        out_ << "<tr><td>" << escaped(workload.name) << "</td>";
        for (const Allocator& one : campaign_.allocators) {
          out_ << "<td>" << as_text(medians_.ratio(measure, workload.name, one.name, campaign_.base), 2) << "</td>";
        }
        out_ << "</tr>\n";
      }
      out_ << "</table></div></details>\n";
    }
  }

  void complaints() {
    const std::vector<std::string> failures = failures_of(campaign_);
    if (failures.empty() && campaign_.left_out.empty()) return;
    out_ << "<h2>What is not here</h2>\n<ul>";
    for (const std::string& failure : failures) out_ << "<li class=\"bad\">failed: " << escaped(failure) << "</li>";
    for (const LeftOut& one : campaign_.left_out)
      out_ << "<li>" << escaped(one.name) << ": " << escaped(one.why) << "</li>";
    out_ << "</ul>\n";
  }

  const Campaign& campaign_;
  const Medians& medians_;
  std::ostringstream out_;
};

}  // namespace

std::string to_html(const Campaign& campaign, const Medians& medians) { return Page(campaign, medians).write(); }

}  // namespace trestle::tool
