// `trestle ops`: hands over to the program that turns a fuzz target's inputs into text and back.
#include "commands.hpp"
#include "harness.hpp"

namespace trestle::tool {
namespace {

constexpr const char* kExamples =
    R"(Everything behind `ops` goes to that program: trestle ops -- --help tells what it can do.

Examples:
  trestle ops show heap_ops crash-1234      the input as text
  trestle ops shrink heap_ops crash-1234    the smallest program that fails in the same way)";

[[noreturn]] void hand_to_ops(const std::vector<std::string>& before, const Rest& rest) {
  const Harnesses harnesses = find_harnesses();
  const bool runs_target = !before.empty() && before.front() == "shrink";
  build(harnesses, "fuzz", runs_target ? std::vector<std::string>{} : std::vector<std::string>{"ops"});
  std::vector<std::string> words{(harnesses.fuzz / "ops").string()};
  words.insert(words.end(), before.begin(), before.end());
  words.insert(words.end(), rest.words.begin(), rest.words.end());
  hand_over(words);
}

struct OpsHelp : CLI::Formatter {
  [[nodiscard]] std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: trestle ops VERB TARGET FILE\n";
  }
};

}  // namespace

void add_ops(CLI::App& app, const Rest& rest) {
  CLI::App* const command = app.add_subcommand("ops", "Read, edit and shrink a fuzz target's inputs as text");
  command->formatter(std::make_shared<OpsHelp>());
  command->prefix_command();
  command->footer(kExamples);
  command->callback([command, &rest] { hand_to_ops(command->remaining(), rest); });
}

}  // namespace trestle::tool
