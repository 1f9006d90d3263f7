// `trestle test`: hands over to the source directory's ci/test.sh.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <system_error>

#include "commands.hpp"
#include "preload.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExamples = R"(Examples:
  trestle test                      everything, as CI runs it
  trestle test -R '^programs\.'     the real programs only
  trestle test --preset asan -j 1   one preset, one test at a time)";

struct Request {
  std::vector<std::string> presets;
  std::string pattern;
  unsigned jobs = 0;
  std::string source;
};

bool is_source(const fs::path& directory) {
  std::error_code unseen;
  return fs::exists(directory / "ci/test.sh", unseen) && fs::exists(directory / "CMakePresets.json", unseen);
}

// A build tree lies inside the source directory; an installed tool has none above it.
fs::path source_above(const fs::path& start) {
  for (fs::path at = start; at.has_relative_path(); at = at.parent_path()) {
    if (is_source(at)) return at;
  }
  throw Failure(kOwnFailure, "test: Trestle's source directory is not above " + start.string() +
                                 "; name it with --source DIRECTORY");
}

fs::path source_for(const Request& request) {
  if (request.source.empty()) return source_above(own_directory());
  const fs::path given = fs::absolute(request.source);
  if (is_source(given)) return given;
  throw Failure(kOwnFailure, "test: " + given.string() + " is not Trestle's source directory: no ci/test.sh in it");
}

[[noreturn]] void hand_over(const Request& request) {
  const std::string script = (source_for(request) / "ci/test.sh").string();
  std::vector<std::string> words{script};
  for (const std::string& preset : request.presets) words.insert(words.end(), {"--preset", preset});
  if (!request.pattern.empty()) words.insert(words.end(), {"-R", request.pattern});
  if (request.jobs > 0) words.insert(words.end(), {"-j", std::to_string(request.jobs)});
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  throw Failure(kNotExecutable, "cannot run " + script + ": " + std::strerror(errno));
}

}  // namespace

void add_test(CLI::App& app, int&) {
  const auto request = std::make_shared<Request>();
  CLI::App* const command = app.add_subcommand("test", "Build and run the project's tests");
  command
      ->add_option("--preset", request->presets, "Only this preset's tests; may be given again (default: all of CI's)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command->add_option("-R", request->pattern, "Only the tests whose names match, as ctest has it")->type_name("REGEX");
  command->add_option("-j", request->jobs, "At most so many at once (default: one a processor)")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command->add_option("--source", request->source, "Trestle's source directory (default: found above this program)")
      ->type_name("DIRECTORY");
  command->footer(kExamples);
  command->callback([request] { hand_over(*request); });
}

}  // namespace trestle::tool
