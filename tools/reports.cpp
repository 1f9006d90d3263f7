#include "reports.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <optional>
#include <sstream>
#include <string_view>

#include "failure.hpp"
#include "frames.hpp"

namespace trestle::tool {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

bool has(const json& object, const char* key, bool (json::*is)() const noexcept) {
  return object.contains(key) && (object[key].*is)();
}

bool has_stack(const json& call) {
  if (!has(call, "stack", &json::is_array)) return false;
  return std::all_of(call["stack"].begin(), call["stack"].end(), [&](const json& frame) {
    if (!frame.is_object() || !has(frame, "address", &json::is_string)) return false;
    return std::all_of(frame.begin(), frame.end(), [](const json& value) { return value.is_string(); });
  });
}

std::string text(const json& report, const char* key) { return report.value(key, std::string()); }
// The key's value, if there is one, between two texts.
std::string told(const json& report, const char* key, const std::string& before, const std::string& behind = "") {
  if (!report.contains(key)) return "";
  const json& value = report[key];
  return before + (value.is_string() ? value.get<std::string>() : value.dump()) + behind;
}

// In a URI; everything but what needs no escape in a path.
std::string escaped(const std::string& path) {
  std::string uri;
  for (const char c : path) {
    const auto code = static_cast<unsigned char>(c);
    if (std::isalnum(code) != 0 || std::string_view("/-._~+").find(c) != std::string_view::npos) {
      uri += c;
    } else {
      std::array<char, 4> text{};
      std::snprintf(text.data(), text.size(), "%%%02X", code);
      uri += text.data();
    }
  }
  return uri;
}

struct Place {
  std::string file;
  unsigned long line;
};
// Of a frame's location, which is file:line; nothing where there is no line.
std::optional<Place> place_of(const json& frame) {
  const std::string location = text(frame, "location");
  const std::size_t colon = location.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  const std::string digits = location.substr(colon + 1);
  if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  const unsigned long line = std::stoul(digits);
  if (line == 0) return std::nullopt;
  return Place{location.substr(0, colon), line};
}

ordered_json artifact_of(const std::string& path) {
  const std::string scheme = path.starts_with('/') ? "file://" : "";
  return {{"uri", scheme + escaped(bytes_of_name(path))}};
}

ordered_json location_of(const json& frame) {
  ordered_json location = ordered_json::object();
  if (const std::optional<Place> place = place_of(frame))
    location["physicalLocation"] = {{"artifactLocation", artifact_of(place->file)},
                                    {"region", {{"startLine", place->line}}}};
  if (frame.contains("function"))
    location["logicalLocations"] =
        ordered_json::array({{{"fullyQualifiedName", frame["function"]}, {"kind", "function"}}});
  return location;
}

ordered_json stack_of(const json& call, const std::string& message) {
  ordered_json frames = ordered_json::array();
  for (const json& frame : call["stack"]) {
    ordered_json one = {{"location", location_of(frame)}};
    if (frame.contains("object")) one["module"] = frame["object"];
    one["properties"] = {{"address", frame["address"]}};
    frames.push_back(std::move(one));
  }
  return {{"message", {{"text", message}}}, {"frames", std::move(frames)}};
}

// The innermost frame that has a line.
std::optional<ordered_json> own_location_of(const json& call) {
  const json& stack = call["stack"];
  const auto found =
      std::find_if(stack.begin(), stack.end(), [](const json& frame) { return place_of(frame).has_value(); });
  return found != stack.end() ? std::optional(location_of(*found)) : std::nullopt;
}

// For a report without a line, since who shows results wants each to have a place.
ordered_json program_of(const json& report) { return sarif_location(text(report, "program")); }

// What another call did, such as "freed by thread 7".
std::string done_by(const json& report, const char* key) {
  return std::string(key) + " by thread " + report[key]["thread"].dump();
}

std::string frames_of(const json& call) {
  std::ostringstream out;
  std::size_t number = 0;
  for (const json& frame : call["stack"]) {
    out << "    #" << number++ << ' ' << text(frame, "address") << told(frame, "function", " in ")
        << told(frame, "location", " ") << told(frame, "object", " (") << told(frame, "offset", "+", ")") << '\n';
  }
  return out.str();
}

// A kind's name as an identifier.
std::string rule_id(const json& report) {
  std::string id = text(report, "kind");
  std::replace(id.begin(), id.end(), ' ', '-');
  return id;
}

std::string blocks_and_bytes(const json& blocks, const json& bytes) {
  return blocks.dump() + (blocks == 1 ? " block, " : " blocks, ") + bytes.dump() + (bytes == 1 ? " byte" : " bytes");
}
// Of a leak how much; of another fault nothing.
std::string leaked_of(const json& report) {
  if (!report.contains("leaked")) return "";
  const json& leaked = report["leaked"];
  std::string direct = blocks_and_bytes(leaked["blocks"], leaked["bytes"]);
  if (leaked["indirect_blocks"] == 0) return direct;
  return direct +
         "; and what only they lead to: " + blocks_and_bytes(leaked["indirect_blocks"], leaked["indirect_bytes"]);
}

std::string message_of(const json& report) {
  const std::string leaked = leaked_of(report);
  return text(report, "kind") + " in " + text(report, "call") + told(report, "argument", "(", ")") + ": " +
         text(report, "meaning") + told(report, "requested", "; the block has ", " bytes") +
         (leaked.empty() ? "" : "; leaked: " + leaked) + ". Likely: " + text(report, "likely") + ".";
}

ordered_json result_of(const json& report, std::size_t rule) {
  ordered_json result = {{"ruleId", rule_id(report)},
                         {"ruleIndex", rule},
                         {"level", text(report, "severity") == "warning" ? "warning" : "error"},
                         {"message", {{"text", message_of(report)}}}};
  auto location = own_location_of(report);
  if (!location && report.contains("leaked") && report.contains("allocated"))
    location = own_location_of(report["allocated"]);
  result["locations"] = ordered_json::array({location.value_or(program_of(report))});
  ordered_json related = ordered_json::array();
  ordered_json stacks = ordered_json::array();
  if (!report["stack"].empty()) stacks.push_back(stack_of(report, "called from"));
  ordered_json rest = report;
  rest.erase("stack");
  for (const char* const key : kOtherCalls) {
    if (!report.contains(key)) continue;
    stacks.push_back(stack_of(report[key], done_by(report, key)));
    if (auto other = own_location_of(report[key])) {
      (*other)["message"] = {{"text", done_by(report, key)}};
      related.push_back(*std::move(other));
    }
    rest.erase(key);
  }
  if (!related.empty()) result["relatedLocations"] = std::move(related);
  if (!stacks.empty()) result["stacks"] = std::move(stacks);
  result["properties"] = std::move(rest);
  return result;
}

}  // namespace

bool is_report(const json& line) {
  if (!line.is_object()) return false;
  for (const char* const key : {"severity", "kind", "meaning", "call", "address", "policy", "program", "likely"})
    if (!has(line, key, &json::is_string)) return false;
  for (const char* const key : {"pid", "thread"})
    if (!has(line, key, &json::is_number_unsigned)) return false;
  for (const char* const key : {"argument", "heap_offset", "block", "expected", "found"})
    if (line.contains(key) && !line[key].is_string()) return false;
  for (const char* const key : {"invariant", "requested", "served"})
    if (line.contains(key) && !line[key].is_number_unsigned()) return false;
  if (line.contains("leaked"))
    for (const char* const key : {"blocks", "bytes", "indirect_blocks", "indirect_bytes"})
      if (!line["leaked"].is_object() || !has(line["leaked"], key, &json::is_number_unsigned)) return false;
  for (const char* const key : kOtherCalls) {
    if (!line.contains(key)) continue;
    const json& call = line[key];
    if (!call.is_object() || !has(call, "thread", &json::is_number_unsigned) || !has_stack(call)) return false;
  }
  return has_stack(line);
}

ordered_json sarif_location(const std::string& path) {
  return {{"physicalLocation", {{"artifactLocation", artifact_of(path)}}}};
}

ordered_json sarif_log(ordered_json rules, ordered_json results) {
  return {
      {"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
      {"version", "2.1.0"},
      {"runs",
       ordered_json::array(
           {{{"tool", {{"driver", {{"name", "Trestle"}, {"version", TRESTLE_VERSION}, {"rules", std::move(rules)}}}}},
             {"results", std::move(results)}}})}};
}

std::vector<json> read_reports(std::istream& lines, const std::string& name) {
  std::vector<json> reports;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    json report = json::parse(line, nullptr, false);
    if (!is_report(report))
      throw Failure(1, name + ":" + std::to_string(number) + ": no report: " + line.substr(0, 60));
    reports.push_back(std::move(report));
  }
  return reports;
}

std::string text_of(const json& report) {
  std::ostringstream out;
  out << "==" << report["pid"] << "==" << (text(report, "severity") == "warning" ? "WARNING" : "ERROR")
      << ": trestle: " << text(report, "kind") << " in " << text(report, "call") << told(report, "argument", "(", ")")
      << '\n'
      << "  meaning    " << text(report, "meaning") << told(report, "invariant", " (invariant I", ")") << '\n'
      << "  address    " << text(report, "address") << told(report, "heap_offset", ", heap offset ") << '\n'
      << told(report, "block", "  block      ", ", ") << told(report, "requested", "", " bytes requested, ")
      << told(report, "served", "", " served\n")
      << (report.contains("leaked") ? "  leaked     " + leaked_of(report) + '\n' : "")
      << told(report, "expected", "  expected   ") << told(report, "found", ", found ", "\n") << "  policy     "
      << text(report, "policy") << ", thread " << report["thread"] << ", program " << text(report, "program") << '\n'
      << "  likely     " << text(report, "likely") << '\n';
  if (!report["stack"].empty()) out << "  called from:\n" << frames_of(report);
  for (const char* const key : kOtherCalls)
    if (report.contains(key)) out << "  " << done_by(report, key) << ":\n" << frames_of(report[key]);
  return bytes_of_name(out.str());
}

ordered_json sarif_of(const std::vector<json>& reports) {
  ordered_json rules = ordered_json::array();
  ordered_json results = ordered_json::array();
  for (const json& report : reports) {
    const std::string id = rule_id(report);
    const auto known =
        std::find_if(rules.begin(), rules.end(), [&](const ordered_json& rule) { return rule["id"] == id; });
    const auto index = static_cast<std::size_t>(known - rules.begin());
    if (known == rules.end()) rules.push_back({{"id", id}, {"shortDescription", {{"text", report["meaning"]}}}});
    results.push_back(result_of(report, index));
  }
  return sarif_log(std::move(rules), std::move(results));
}

}  // namespace trestle::tool
