// `trestle coverage`: hands over to the source directory's ci/coverage.sh.
#include <memory>

#include "commands.hpp"
#include "harness.hpp"

namespace trestle::tool {
namespace {

constexpr const char* kExamples =
    R"(A table of what of lib/ the fuzz corpora, the properties, the units and the programs under the preload libraries reach, each
and together, and a page of HTML for each. Fails where all together reach less than the bars in ci/coverage.sh.

Examples:
  trestle coverage
  trestle coverage --html /tmp/coverage)";

}  // namespace

void add_coverage(CLI::App& app) {
  const auto html = std::make_shared<std::string>();
  CLI::App* const command = app.add_subcommand("coverage", "Measure what of the library the harnesses reach");
  command->add_option("--html", *html, "Write the pages here (default: build/coverage/html)")->type_name("DIR");
  command->footer(kExamples);
  command->callback([html] {
    std::vector<std::string> words{(source_directory("coverage") / "ci/coverage.sh").string()};
    if (!html->empty()) words.insert(words.end(), {"--html", std::filesystem::absolute(*html).string()});
    hand_over(words);
  });
}

}  // namespace trestle::tool
