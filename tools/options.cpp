// `trestle options`: the table of what TRESTLE_OPTIONS can say, from the library's own source.
#include "shim/options.hpp"

#include <algorithm>
#include <cstring>
#include <iomanip>
#include <iostream>

#include "commands.hpp"

namespace trestle::tool {
namespace {

constexpr const char* kIntroduction = R"(TRESTLE_OPTIONS=key=value:key=value
An unknown key or a bad value is named on stderr and ignored. Child processes inherit the options.
)";

constexpr const char* kExamples = R"(Examples:
  trestle options
  TRESTLE_OPTIONS=decay_ms=0:check_every=1000 trestle run -- git log)";

void print_table() {
  std::size_t names = std::strlen("option");
  std::size_t defaults = std::strlen("default");
  for (const auto& option : trestle_options_table) {
    names = std::max(names, std::strlen(option.name));
    defaults = std::max(defaults, std::strlen(option.default_text));
  }
  const auto print = [&](const char* name, const char* value, const char* help) {
    std::cout << std::left << std::setw(static_cast<int>(names) + 2) << name
              << std::setw(static_cast<int>(defaults) + 2) << value << help << '\n';
  };
  std::cout << kIntroduction << '\n';
  print("option", "default", "meaning");
  for (const auto& option : trestle_options_table) print(option.name, option.default_text, option.help);
}

}  // namespace

void add_options(CLI::App& app, int&) {
  CLI::App* const command = app.add_subcommand("options", "Print what TRESTLE_OPTIONS can say");
  command->footer(kExamples);
  command->callback(print_table);
}

}  // namespace trestle::tool
