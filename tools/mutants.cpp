// `trestle mutants`: hands over to the source directory's ci/mutants.sh.
#include <memory>

#include "commands.hpp"
#include "harness.hpp"

namespace trestle::tool {
namespace {

constexpr const char* kExamples =
    R"(All mutants are compiled at once, each behind a switch, in copies of the sources. Each runs through the units, the
properties, small programs, the fuzz corpora and fuzzing, until one fails by a line of its own. The last line is
"mutants: K of N killed"; report.html, report.json and report.xml (JUnit) tell by what. Exit status: 0; 1 when of those
that ci/mutation/equivalent.txt does not explain fewer were killed than --at-least; 2 for a wrong option; 125 when the tool
failed.

Examples:
  trestle mutants --hand
  trestle mutants --count 50 --seed 7
  trestle mutants --seconds 300 --only lib/slab --no-fuzz)";

// The options as they were given, in words of ci/mutants.sh's.
struct Given {
  bool hand = false;
  bool list = false;
  bool no_fuzz = false;
  unsigned count = 250;
  unsigned seconds = 0;
  long seed = 1;
  unsigned fuzz_seconds = 60;
  unsigned at_least = 100;
  unsigned jobs = 0;
  std::string only;
  std::string by;
  bool from_nothing = false;
  std::string output;

  [[nodiscard]] std::vector<std::string> words() const {
    std::vector<std::string> all{
        "--count",        std::to_string(count),        "--seed",     std::to_string(seed),
        "--fuzz-seconds", std::to_string(fuzz_seconds), "--at-least", std::to_string(at_least)};
    if (hand) all.emplace_back("--hand");
    if (list) all.emplace_back("--list");
    if (no_fuzz) all.emplace_back("--no-fuzz");
    if (seconds != 0) all.insert(all.end(), {"--seconds", std::to_string(seconds)});
    if (jobs != 0) all.insert(all.end(), {"--jobs", std::to_string(jobs)});
    if (!only.empty()) all.insert(all.end(), {"--only", only});
    if (!by.empty()) all.insert(all.end(), {"--by", by});
    if (from_nothing) all.emplace_back("--from-nothing");
    if (!output.empty()) all.insert(all.end(), {"--output", std::filesystem::absolute(output).string()});
    return all;
  }
};

}  // namespace

void add_mutants(CLI::App& app) {
  const auto given = std::make_shared<Given>();
  CLI::App* const command =
      app.add_subcommand("mutants", "Plant mistakes in the library and see whether the tests find them");
  command->add_flag("--hand", given->hand, "The mistakes written by hand instead of a sample of all");
  command->add_option("--count", given->count, "So many at most of the sample (default: 250)")
      ->check(CLI::PositiveNumber);
  command->add_option("--seconds", given->seconds, "Begin no other after so long; builds do not count")
      ->check(CLI::PositiveNumber);
  command->add_option("--seed", given->seed, "Which sample, in which order (default: 1)");
  command->add_option("--only", given->only, "Only those whose file, function, kind or name has this text")
      ->type_name("TEXT");
  command->add_flag("--no-fuzz", given->no_fuzz, "Neither corpora nor fuzzing");
  command->add_option("--fuzz-seconds", given->fuzz_seconds, "Of fuzzing each (default: 60; 0: the corpora alone)");
  command
      ->add_option("--by", given->by, "This alone judges, as the report names it: units.heap, properties, fuzz.threads")
      ->type_name("STAGE");
  command->add_flag("--from-nothing", given->from_nothing, "Fuzz without the stored corpora");
  command
      ->add_option("--at-least", given->at_least, "Of those not explained, so many percent are killed (default: 100)")
      ->check(CLI::Range(0U, 100U));
  command->add_option("--jobs", given->jobs, "Compilers at once (default: as many as processors)")
      ->check(CLI::PositiveNumber);
  command->add_flag("--list", given->list, "Print the mutants that would be tried, and end");
  command->add_option("--output", given->output, "For the builds and the report (default: build/mutants)")
      ->type_name("DIR");
  command->footer(kExamples);
  command->callback([given] {
    std::vector<std::string> words{(source_directory("mutants") / "ci/mutants.sh").string()};
    const std::vector<std::string> more = given->words();
    words.insert(words.end(), more.begin(), more.end());
    hand_over(words);
  });
}

}  // namespace trestle::tool
