#include <algorithm>
#include <sstream>

#include "bench/svg.hpp"
#include "conform/formats.hpp"
#include "reports.hpp"

namespace trestle::tool {
namespace {

using nlohmann::ordered_json;

std::string sentence_of(const ConformResult& result) {
  return result.about.name + ": " + result.found + ". Wanted: " + result.about.what + " (" + result.about.rule + ").";
}

void add_test(std::ostream& out, const std::string& library, const ConformResult& result) {
  out << "    <testcase classname=\"" << escaped(library + "." + result.about.area) << "\" name=\""
      << escaped(result.about.name) << "\">";
  if (result.verdict == Verdict::violated) {
    out << "<failure message=\"" << escaped(sentence_of(result)) << "\">" << escaped(result.program) << "</failure>";
  } else if (result.verdict == Verdict::absent) {
    out << "<skipped message=\"" << escaped(result.found) << "\"/>";
  } else if (result.verdict != Verdict::passed) {
    out << "<system-out>" << escaped(std::string(name_of(result.verdict)) + ": " + result.found) << "</system-out>";
  }
  out << "</testcase>\n";
}

ordered_json result_of(const Examined& library, const ConformResult& result, std::size_t rule) {
  ordered_json one = {{"ruleId", result.about.name},
                      {"ruleIndex", rule},
                      {"level", "error"},
                      {"message", {{"text", library.allocator.name + ": " + sentence_of(result)}}},
                      {"locations", ordered_json::array({sarif_location(library.allocator.path)})}};
  one["properties"] = {{"library", library.allocator.name}, {"version", library.allocator.version}};
  if (!result.program.empty()) one["properties"]["program"] = result.program;
  return one;
}

ordered_json rule_of(const ConformCase& about) {
  return {{"id", about.name},
          {"shortDescription", {{"text", about.what}}},
          {"fullDescription", {{"text", about.rule + ": " + about.what}}}};
}

ordered_json json_of(const ConformResult& result) {
  ordered_json one = {{"area", result.about.area},
                      {"case", result.about.name},
                      {"rule", result.about.rule},
                      {"what", result.about.what},
                      {"verdict", name_of(result.verdict)}};
  if (!result.found.empty()) one["found"] = result.found;
  if (result.about.area == kMisuse) {
    one["address"] = result.has_address;
    one["stack"] = result.has_stack;
  }
  for (const auto& [asked, answer] : result.choices) one["choices"][asked] = answer;
  if (!result.program.empty()) one["program"] = result.program;
  return one;
}

ordered_json json_of(const Examined& library) {
  ordered_json one = {{"name", library.allocator.name},
                      {"path", library.allocator.path},
                      {"version", library.allocator.version},
                      {"score", overall_score(library)}};
  for (const char* const area : kAreas) {
    const Score score = score_of(library, area);
    if (score.of > 0) one["areas"][area] = {{"points", score.points}, {"of", score.of}};
  }
  one["results"] = ordered_json::array();
  for (const ConformResult& result : library.results) one["results"].push_back(json_of(result));
  return one;
}

}  // namespace

std::string junit_of(const Examination& examination) {
  std::ostringstream out;
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"conform\">\n";
  for (const Examined& library : examination.libraries) {
    std::size_t failures = 0;
    std::size_t skipped = 0;
    for (const char* const area : kAreas) {
      failures += count_of(library, area, Verdict::violated);
      skipped += count_of(library, area, Verdict::absent);
    }
    out << "  <testsuite name=\"" << escaped(library.allocator.name) << "\" tests=\"" << library.results.size()
        << "\" failures=\"" << failures << "\" errors=\"0\" skipped=\"" << skipped << "\">\n";
    for (const ConformResult& result : library.results) add_test(out, library.allocator.name, result);
    out << "  </testsuite>\n";
  }
  out << "</testsuites>\n";
  return out.str();
}

ordered_json sarif_of(const Examination& examination) {
  ordered_json rules = ordered_json::array();
  ordered_json results = ordered_json::array();
  for (const Examined& library : examination.libraries) {
    for (const ConformResult& result : library.results) {
      if (result.verdict != Verdict::violated) continue;
      const auto known = std::find_if(rules.begin(), rules.end(),
                                      [&](const ordered_json& rule) { return rule["id"] == result.about.name; });
      const auto index = static_cast<std::size_t>(known - rules.begin());
      if (known == rules.end()) rules.push_back(rule_of(result.about));
      results.push_back(result_of(library, result, index));
    }
  }
  return sarif_log(std::move(rules), std::move(results));
}

ordered_json json_of(const Examination& examination) {
  ordered_json all = {{"started", examination.started}, {"version", examination.version}};
  all["libraries"] = ordered_json::array();
  for (const Examined& library : examination.libraries) all["libraries"].push_back(json_of(library));
  all["left_out"] = ordered_json::array();
  for (const LeftOut& one : examination.left_out) all["left_out"].push_back({{"name", one.name}, {"why", one.why}});
  return all;
}

}  // namespace trestle::tool
