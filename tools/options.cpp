// `trestle options`: the table of what TRESTLE_OPTIONS can say, from the library's own source.
#include "shim/options.hpp"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <string_view>

#include "commands.hpp"

namespace trestle::tool {
namespace {

constexpr const char* kIntroduction = R"(TRESTLE_OPTIONS=key=value:key=value
An unknown key or a bad value is named on stderr and ignored. Child processes inherit the options.
)";

constexpr const char* kExamples = R"(Examples:
  trestle options
  TRESTLE_OPTIONS=decay_ms=0:check_every=1000 trestle run -- git log)";

void print_row(std::string_view name, std::size_t names, std::string_view meaning, std::string_view value) {
  std::cout << std::left << std::setw(static_cast<int>(names) + 2) << name << meaning;
  if (!value.empty()) std::cout << " (default: " << value << ')';
  std::cout << '\n';
}

void print_table() {
  std::size_t names = 0;
  for (const auto& option : trestle_options_table) names = std::max(names, std::string_view(option.name).size());
  std::cout << kIntroduction << '\n';
  for (const auto& option : trestle_options_table) print_row(option.name, names, option.help, option.default_text);
}

}  // namespace

void add_options(CLI::App& app, int&) {
  CLI::App* const command = app.add_subcommand("options", "Print what TRESTLE_OPTIONS can say");
  command->footer(kExamples);
  command->callback(print_table);
}

}  // namespace trestle::tool
