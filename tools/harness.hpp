// Where the harnesses are: the fuzz targets and properties of the build trees in a source directory, or those that an
// installation put beside the tool. A source directory wins, since what is built from it is what its author means.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace trestle::tool {

// The source directory that holds `start`; nothing where there is none.
[[nodiscard]] std::optional<std::filesystem::path> source_above(const std::filesystem::path& start);

// `given`, or, where that is empty, the one above this program. Throws Failure, which begins with `command`.
[[nodiscard]] std::filesystem::path source_directory(const std::string& command, const std::string& given = "");

struct Harnesses {
  std::optional<std::filesystem::path> source;  // none: installed, and there is nothing to build
  std::filesystem::path fuzz;                   // the targets, their list, and the program `ops`
  std::filesystem::path seeds;                  // corpus/TARGET and regressions/TARGET
  std::filesystem::path props;                  // the properties and units
  std::filesystem::path found;                  // where fuzzing leaves what it finds
};

// The places, of which some may not have been built yet. Throws Failure where there is neither source nor installation.
// What the environment's TRESTLE_CORPUS names is `found`.
[[nodiscard]] Harnesses find_harnesses();

// Where an installation that is beside this program keeps the harnesses. It may not be there.
[[nodiscard]] std::filesystem::path installed_kit();

// Builds targets of a preset (none: all of the preset's) where there are sources; its progress goes to stderr. Throws Failure.
void build(const Harnesses& harnesses, const std::string& preset, const std::vector<std::string>& targets = {});

// Becomes the program words[0]. Throws Failure when that fails.
[[noreturn]] void hand_over(const std::vector<std::string>& words);

}  // namespace trestle::tool
