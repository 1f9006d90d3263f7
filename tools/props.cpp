// `trestle props`: the properties, again and again with fresh seeds.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <random>

#include "child.hpp"
#include "commands.hpp"
#include "harness.hpp"
#include "rounds.hpp"

namespace trestle::tool {
namespace {

constexpr const char* kExamples =
    R"(A round runs every property once. Its seed is printed, and decides all that it does. RC_PARAMS in the environment, such as
max_success=1000, tunes RapidCheck. The first round that fails ends the run, with the properties' exit status.

Examples:
  trestle props                         one round with a fresh seed
  trestle props --minutes 30            rounds until half an hour is over
  trestle props --seed 7 -R '^Heap'     a failure again, of some properties only
  RC_PARAMS=max_success=1000 trestle props)";

struct Request {
  double minutes = 0;
  std::optional<std::uint64_t> seed;
  std::string pattern;
};

std::uint64_t fresh_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

std::vector<std::string> words_for(const std::string& program, const std::string& pattern) {
  std::vector<std::string> words{program, "--gtest_brief=1"};
  if (pattern.empty()) return words;
  const Heard list = listen_to_child({program, "--gtest_list_tests"}, {});
  if (list.ended.status != 0) throw Failure(kOwnFailure, program + " does not list its tests: " + list.err);
  words.push_back(filter_for(matching(parse_test_list(list.out), pattern)));
  return words;
}

int run_rounds(const std::vector<std::string>& words, const Request& request) {
  const char* const set = std::getenv("RC_PARAMS");
  const std::string given = set != nullptr ? set : "";
  const std::uint64_t first = request.seed ? *request.seed : fresh_seed();
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double, std::ratio<60>>(request.minutes);
  std::uint64_t round = 0;
  do {
    const std::uint64_t seed = seed_of_round(first, round++);
    std::cerr << "trestle: round " << round << ", seed " << seed << '\n';
    const Ended ended = run_child(words, {{"RC_PARAMS", parameters_with_seed(given, seed)}});
    if (ended.status != 0) {
      std::cerr << "trestle: failed; the same again: " << repeat_command(given, seed, request.pattern) << '\n';
      return ended.status;
    }
  } while (std::chrono::steady_clock::now() < end);
  std::cerr << "trestle: " << round << (round == 1 ? " round, no failure\n" : " rounds, no failure\n");
  return 0;
}

int props(const Request& request) {
  const Harnesses harnesses = find_harnesses();
  build(harnesses, "release", {"trestle_props"});
  return run_rounds(words_for((harnesses.props / "trestle_props").string(), request.pattern), request);
}

}  // namespace

void add_props(CLI::App& app, int& status) {
  const auto request = std::make_shared<Request>();
  CLI::App* const command = app.add_subcommand("props", "Run the properties with fresh seeds");
  command->add_option("--minutes", request->minutes, "Begin rounds until so long is over (default: one round)")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command->add_option("--seed", request->seed, "The first round's; each later one's is one more (default: fresh)")
      ->check(CLI::NonNegativeNumber)
      ->type_name("S");
  command->add_option("-R", request->pattern, "Only properties whose names match")->type_name("REGEX");
  command->footer(kExamples);
  command->callback([request, &status] { status = props(*request); });
}

}  // namespace trestle::tool
