// What there is to measure: the workloads, and the allocators that they run on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bench/measurement.hpp"

namespace trestle::tool {

// All workloads, in the order of the tables.
[[nodiscard]] const std::vector<Workload>& all_workloads();

// Those whose names hold a match of `pattern`. Throws Failure (kUsage) when there is none, or `pattern` is no expression.
[[nodiscard]] std::vector<Workload> workloads_matching(const std::string& pattern);

// The name of the programs built with AddressSanitizer, beside the libraries' names.
inline constexpr const char* kTwins = "asan";

// An allocator that is looked for: one of a Debian package, one of ours, or one given by NAME=PATH.
struct Found {
  std::vector<Allocator> there;
  std::vector<LeftOut> missing;
};

// The peers that Debian's packages bring, and our libraries.
[[nodiscard]] Found find_installed();

// `given` are the words of --library. `programs` is the directory of the built programs. Throws Failure (kUsage) for a word
// that is not NAME=PATH, whose name is taken or whose file is none that the loader could preload, and when none matches.
[[nodiscard]] Found find_allocators(const std::vector<std::string>& given, const std::string& pattern,
                                    const std::filesystem::path& programs);

// The same of one word, without looking whether its name is taken.
[[nodiscard]] Allocator parse_library(const std::string& given);

// The library in that file, under that name. Throws Failure (kUsage), whose text begins with `option`, where there is no
// file or the loader could not preload it.
[[nodiscard]] Allocator library_at(const std::string& name, const std::string& given, const std::string& option);

// Whether a workload can run on an allocator at all: the twins are of our own programs only.
[[nodiscard]] bool fits(const Workload& workload, const Allocator& allocator);

}  // namespace trestle::tool
