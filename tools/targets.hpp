// The list of fuzz targets that the build writes, a line each: name, kind and description, with tabs between.
#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <vector>

namespace trestle::tool {

struct Target {
  std::string name;
  std::string kind;  // "ops": its inputs are op records; "bytes": anything
  std::string description;

  [[nodiscard]] bool takes_ops() const { return kind == "ops"; }
};

// Throws Failure, with the line's number, where a line is not one of a list.
[[nodiscard]] std::vector<Target> parse_targets(std::istream& lines);
// The list in the directory of the targets. Throws Failure when it cannot be read.
[[nodiscard]] std::vector<Target> read_targets(const std::filesystem::path& directory);
// Throws Failure, with the names there are, when none is called `name`.
[[nodiscard]] const Target& target_named(const std::vector<Target>& targets, const std::string& name);

// What every run of a target needs, measured or not: op programs are long from the start, since a short one finds little.
[[nodiscard]] std::vector<std::string> base_options(const Target& target);

// The stored inputs of a target: those of corpus/NAME and regressions/NAME below `seeds` that are there.
[[nodiscard]] std::vector<std::string> seeds_of(const Target& target, const std::filesystem::path& seeds);

}  // namespace trestle::tool
