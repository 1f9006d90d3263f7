// Where the preload libraries are, and which programs the loader will not put them into.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace trestle::tool {

// The directory that holds the running executable, links resolved.
[[nodiscard]] std::filesystem::path own_directory();

// The library of a policy, looked for from own_directory(): in the build tree's ../lib, or where the install put it. Throws
// Failure when it is in neither, or when its path cannot be given to the loader.
[[nodiscard]] std::filesystem::path library_of(const std::string& policy);
// The same of any library of ours.
[[nodiscard]] std::filesystem::path library_named(const std::string& name);

// The first file of that name in a folder of PATH that may be executed; a path with a slash as it is, whatever lies there.
[[nodiscard]] std::optional<std::filesystem::path> find_program(const std::string& program);

// Why the loader ignores LD_PRELOAD for `program` (searched for in PATH): "is statically linked" and the like. Nothing for a
// program that it can be put into, for a script, and for what cannot be read.
[[nodiscard]] std::optional<std::string> obstacle_in(const std::string& program);

}  // namespace trestle::tool
