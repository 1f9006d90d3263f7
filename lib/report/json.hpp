// A report as one line of JSON, for programs to read: its fields are listed in docs/reports.md.
#pragma once

#include <cstdint>
#include <string_view>

#include "report/reported.hpp"

namespace trestle {

// Adds the line, with its end. Strings keep ASCII as it is; every other byte becomes the character of that code.
void add_json(ReportText& text, const Reported& report) noexcept;

}  // namespace trestle
