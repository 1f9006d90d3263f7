#include "summary.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace trestle::tool {
namespace {

std::string counted(std::uint64_t number, const std::string& thing, const std::string& things) {
  return with_commas(number) + ' ' + (number == 1 ? thing : things);
}

std::string with_one_decimal(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", number);
  return text.data();
}

std::string in_seconds(std::uint64_t nanoseconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f s", static_cast<double>(nanoseconds) / 1e9);
  return text.data();
}

// Throws nlohmann's exceptions where the line is not one of the library's.
std::pair<std::int64_t, ProcessSummary> parse(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  ProcessSummary line{.allocations = json.at("allocations").get<std::uint64_t>(),
                      .peak_live_bytes = json.at("peak_live_bytes").get<std::uint64_t>(),
                      .peak_rss_bytes = json.at("peak_rss_bytes").get<std::uint64_t>(),
                      .checks = json.at("checks").get<std::uint64_t>(),
                      .check_nanoseconds = json.at("check_nanoseconds").get<std::uint64_t>(),
                      .faults = json.at("faults").get<std::uint64_t>(),
                      .leaks_searched = json.value("leaks_searched", 0) != 0,
                      .leaked_blocks = json.value("leaked_blocks", std::uint64_t{0}),
                      .leaked_bytes = json.value("leaked_bytes", std::uint64_t{0}),
                      .fault = json.value("fault", "")};
  return {json.at("pid").get<std::int64_t>(), std::move(line)};
}

ProcessSummary added_up(const Summary& summary) {
  ProcessSummary all;
  for (const auto& [pid, line] : summary.processes) {
    all.allocations += line.allocations;
    all.peak_live_bytes = std::max(all.peak_live_bytes, line.peak_live_bytes);
    all.peak_rss_bytes = std::max(all.peak_rss_bytes, line.peak_rss_bytes);
    all.checks += line.checks;
    all.check_nanoseconds += line.check_nanoseconds;
    all.faults += line.faults;
    all.leaked_blocks += line.leaked_blocks;
    all.leaked_bytes += line.leaked_bytes;
    if (all.fault.empty()) all.fault = line.fault;
  }
  return all;
}

std::string describe_faults(const ProcessSummary& all) {
  if (all.faults == 0) return "none";
  return with_commas(all.faults) + (all.fault.empty() ? "" : " (" + all.fault + ")");
}

}  // namespace

std::string with_commas(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string bytes_as_text(std::uint64_t bytes) {
  constexpr std::array kUnits{" KiB", " MiB", " GiB", " TiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double amount = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < kUnits.size(); ++unit) amount /= 1024;
  return with_one_decimal(amount) + kUnits[unit];
}

Summary read_summary(std::istream& lines) {
  Summary summary;
  for (std::string text; std::getline(lines, text);) {
    try {
      auto [pid, line] = parse(text);
      summary.processes.insert_or_assign(pid, std::move(line));
    } catch (const nlohmann::json::exception&) {
      ++summary.unreadable;
    }
  }
  return summary;
}

std::uint64_t leaked_blocks(const Summary& summary) { return added_up(summary).leaked_blocks; }
std::size_t leak_searches(const Summary& summary) {
  const auto& all = summary.processes;
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [](const auto& line) { return line.second.leaks_searched; }));
}

std::string describe(const Summary& summary) {
  const bool is_one = summary.processes.size() == 1;
  const ProcessSummary all = added_up(summary);
  const std::string checks = counted(all.checks, "check", "checks");
  std::string text = is_one ? "" : counted(summary.processes.size(), "process", "processes") + ", ";
  text += counted(all.allocations, "allocation", "allocations");
  text += (is_one ? ", peak " : ", highest peak ") + bytes_as_text(all.peak_live_bytes) + " live, " +
          bytes_as_text(all.peak_rss_bytes) + " resident, ";
  text += all.checks == 0 ? checks : in_seconds(all.check_nanoseconds) + " in " + checks;
  text += ", faults: " + describe_faults(all);
  if (all.leaked_blocks > 0)
    text += ", leaked: " + counted(all.leaked_blocks, "block", "blocks") + ", " + bytes_as_text(all.leaked_bytes);
  if (summary.unreadable > 0) text += ", " + counted(summary.unreadable, "unreadable line", "unreadable lines");
  return text;
}

}  // namespace trestle::tool
