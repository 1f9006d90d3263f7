// The reports that the library wrote by report=json:PATH (docs/reports.md), read, retold and turned into SARIF.
#pragma once

#include <array>
#include <istream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace trestle::tool {

// The calls that a report may tell of beside its own: keys of objects with a thread and a stack.
inline constexpr std::array<const char*, 2> kOtherCalls{"allocated", "freed"};

// Whether it has what every report has, and all that it has is of the type that it should be.
[[nodiscard]] bool is_report(const nlohmann::json& line);

// Each line is a report. Throws Failure, with `name` and the line's number, where one is not.
[[nodiscard]] std::vector<nlohmann::json> read_reports(std::istream& lines, const std::string& name);

// Much as the library prints it: with the program's path, without the bytes around the address and how it lies to the block.
[[nodiscard]] std::string text_of(const nlohmann::json& report);

// One run of SARIF 2.1.0 (OASIS, 2020) with these rules and results, and the location in it of a whole file.
[[nodiscard]] nlohmann::ordered_json sarif_log(nlohmann::ordered_json rules, nlohmann::ordered_json results);
[[nodiscard]] nlohmann::ordered_json sarif_location(const std::string& path);

// Such a run, with a rule for each kind that occurs and a result for each report, at the innermost
// frame that has a line.
[[nodiscard]] nlohmann::ordered_json sarif_of(const std::vector<nlohmann::json>& reports);

}  // namespace trestle::tool
