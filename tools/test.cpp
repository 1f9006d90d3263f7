// `trestle test`: hands over to the source directory's ci/test.sh, or, where the harnesses are installed, runs those.
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "bench/runner.hpp"
#include "child.hpp"
#include "commands.hpp"
#include "fuzz_plan.hpp"
#include "harness.hpp"
#include "preload.hpp"
#include "rounds.hpp"
#include "targets.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExamples =
    R"(Where the harnesses are installed without the sources, as in the container, the tests are the installed programs: the units
and properties, and each fuzz target on its stored inputs.

Examples:
  trestle test                      the presets release, asan and fuzz
  trestle test -R '^programs\.'     the real programs only
  trestle test --preset asan -j 1   one preset, one test at a time)";

struct Request {
  std::vector<std::string> presets;
  std::string pattern;
  unsigned jobs = 0;
  std::string source;
};

[[noreturn]] void test_source(const fs::path& source, const Request& request) {
  std::vector<std::string> words{(source / "ci/test.sh").string()};
  for (const std::string& preset : request.presets) words.insert(words.end(), {"--preset", preset});
  if (!request.pattern.empty()) words.insert(words.end(), {"-R", request.pattern});
  if (request.jobs > 0) words.insert(words.end(), {"-j", std::to_string(request.jobs)});
  hand_over(words);
}

struct InstalledTest {
  std::string name;
  std::vector<std::string> words;
  fs::path crashes;  // where inputs go that fail; empty: it takes none
};

std::vector<InstalledTest> installed_tests(const Harnesses& harnesses) {
  std::vector<InstalledTest> tests;
  for (const fs::directory_entry& entry : fs::directory_iterator(harnesses.props)) {
    tests.push_back({"props." + entry.path().filename().string(), {entry.path().string(), "--gtest_brief=1"}, {}});
  }
  for (const Target& target : read_targets(harnesses.fuzz)) {
    InstalledTest test{"fuzz." + target.name,
                       {(harnesses.fuzz / target.name).string(), "-runs=0"},
                       fs::absolute(harnesses.found / (target.name + "-crashes"))};
    const std::vector<std::string> seeds = seeds_of(target, harnesses.seeds);
    for (const std::vector<std::string>& more : {base_options(target), seeds}) {
      test.words.insert(test.words.end(), more.begin(), more.end());
    }
    if (!seeds.empty()) tests.push_back(test);
  }
  std::sort(tests.begin(), tests.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return tests;
}

// Whether it passed. What it said is told only where it did not, and an input that fails is kept, as `trestle fuzz` keeps it.
bool passes(InstalledTest test) {
  const Scratch scratch;
  if (!test.crashes.empty()) test.words.push_back("-artifact_prefix=" + scratch.path() + "/");
  const Heard heard = listen_to_child(test.words, {});
  const bool passed = heard.ended.status == 0;
  std::cout << (passed ? "passed " : "FAILED ") << test.name << '\n' << std::flush;
  if (passed) return true;
  std::cout << heard.out << heard.err << "exit status " << heard.ended.status << '\n' << std::flush;
  for (const fs::path& input : keep_crashes(scratch.path(), test.crashes)) {
    std::cout << "the input that fails: " << input.string() << '\n';
  }
  return false;
}

int test_installation(const Harnesses& harnesses, const Request& request) {
  if (!request.presets.empty() || request.jobs > 0) {
    throw Failure(kUsage, "test: --preset and -j need Trestle's source directory");
  }
  const std::vector<InstalledTest> tests = installed_tests(harnesses);
  std::vector<std::string> names;
  names.reserve(tests.size());
  for (const InstalledTest& test : tests) names.push_back(test.name);
  const std::vector<std::string> wanted = matching(names, request.pattern.empty() ? "." : request.pattern);
  std::size_t failed = 0;
  for (const InstalledTest& test : tests) {
    if (!std::binary_search(wanted.begin(), wanted.end(), test.name)) continue;
    if (!passes(test)) ++failed;
  }
  std::cout << wanted.size() - failed << " passed, " << failed << " failed\n";
  return failed == 0 ? 0 : 1;
}

int test(const Request& request) {
  if (!request.source.empty() || source_above(own_directory())) {
    test_source(source_directory("test", request.source), request);
  }
  return test_installation(find_harnesses(), request);
}

}  // namespace

void add_test(CLI::App& app, int& status) {
  const auto request = std::make_shared<Request>();
  CLI::App* const command = app.add_subcommand("test", "Build and run the project's tests");
  command
      ->add_option("--preset", request->presets,
                   "Only this preset's tests; may be given again (default: release, asan and fuzz)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command->add_option("-R", request->pattern, "Only the tests whose names match, as ctest has it")->type_name("REGEX");
  command->add_option("-j", request->jobs, "At most so many at once (default: one a processor)")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command->add_option("--source", request->source, "Trestle's source directory (default: found above this program)")
      ->type_name("DIRECTORY");
  command->footer(kExamples);
  command->callback([request, &status] { status = test(*request); });
}

}  // namespace trestle::tool
