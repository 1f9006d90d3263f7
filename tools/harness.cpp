#include "harness.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "child.hpp"
#include "failure.hpp"
#include "preload.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

bool is_source(const fs::path& directory) {
  std::error_code unseen;
  return fs::exists(directory / "ci/test.sh", unseen) && fs::exists(directory / "CMakePresets.json", unseen);
}

// Built and installed harnesses have the same names below their directories; only the seeds of a build tree are elsewhere.
Harnesses in_source(const fs::path& source) {
  const fs::path tree = source / "build/fuzz";
  return {source, tree / "fuzz", source / "fuzz", source / "build/release/props", tree / "found"};
}

Harnesses installed(const fs::path& kit) { return {std::nullopt, kit / "fuzz", kit / "fuzz", kit / "props", "found"}; }

void run_or_fail(const std::vector<std::string>& words) {
  const Ended ended = run_child(words, {}, {.out = STDERR_FILENO});
  if (ended.status != 0) {
    throw Failure(kOwnFailure, words[0] + " " + words[1] + " failed with status " + std::to_string(ended.status));
  }
}

}  // namespace

std::optional<fs::path> source_above(const fs::path& start) {
  for (fs::path at = start; at.has_relative_path(); at = at.parent_path()) {
    if (is_source(at)) return at;
  }
  return std::nullopt;
}

fs::path source_directory(const std::string& command, const std::string& given) {
  if (!given.empty()) {
    const fs::path named = fs::absolute(given);
    if (is_source(named)) return named;
    throw Failure(kOwnFailure,
                  command + ": " + named.string() + " is not Trestle's source directory: no ci/test.sh in it");
  }
  if (const std::optional<fs::path> source = source_above(own_directory())) return *source;
  throw Failure(kOwnFailure, command + ": Trestle's source directory is not above " + own_directory().string());
}

fs::path installed_kit() { return (own_directory() / TRESTLE_LIBRARY_FROM_TOOL / "trestle").lexically_normal(); }

Harnesses find_harnesses() {
  const fs::path kit = installed_kit();
  const std::optional<fs::path> source = source_above(own_directory());
  std::error_code unseen;
  if (!source && !fs::exists(kit / "fuzz", unseen)) {  // the kit has other parts, which come with the tool
    throw Failure(kOwnFailure, "no harnesses: Trestle's source directory is not above " + own_directory().string() +
                                   ", and none are installed in " + kit.string());
  }
  Harnesses harnesses = source ? in_source(*source) : installed(kit);
  const char* const corpus = std::getenv("TRESTLE_CORPUS");
  if (corpus != nullptr && *corpus != '\0') harnesses.found = corpus;
  return harnesses;
}

void build(const Harnesses& harnesses, const std::string& preset, const std::vector<std::string>& targets) {
  if (!harnesses.source) return;
  run_or_fail({harnesses.source->string() + "/ci/setup.sh", "harness"});
  std::vector<std::string> words{harnesses.source->string() + "/ci/build.sh", preset};
  words.insert(words.end(), targets.begin(), targets.end());
  run_or_fail(words);
}

void hand_over(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  throw Failure(errno == ENOENT ? kNotFound : kNotExecutable, "cannot run " + words[0] + ": " + std::strerror(errno));
}

}  // namespace trestle::tool
