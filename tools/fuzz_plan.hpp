// What `trestle fuzz` runs and where that leaves what it finds, decided before anything runs.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "harness.hpp"
#include "targets.hpp"

namespace trestle::tool {

struct FuzzRequest {
  std::string target;
  unsigned seconds = 0;  // 0: until a crash
  unsigned jobs = 1;
  bool fork = false;  // goes on after a crash
  std::string corpus;
  std::string artifacts;
  std::vector<std::string> options;  // libFuzzer's own
};

struct FuzzPlan {
  std::filesystem::path corpus;
  std::filesystem::path artifacts;
  std::vector<std::string> words;
};

// libFuzzer starts its jobs, and the runs of a merge, with a line of shell that it does not quote. Throws Failure, which begins
// with `option`, where a word would be changed by it.
void refuse_unquotable(const std::string& option, const std::vector<std::string>& words);

// Absolute paths throughout. The artifacts are beside the corpus, not in it, where libFuzzer would take them for seeds and
// die of the old crash before it looks for new ones. Throws Failure.
[[nodiscard]] FuzzPlan plan_fuzz(const FuzzRequest& request, const Target& target, const Harnesses& harnesses);

// Makes the directory, and a file in it. Throws Failure when either fails, instead of a fuzzer that keeps nothing.
void require_writable(const std::filesystem::path& directory);

using CrashTimes = std::map<std::filesystem::path, std::filesystem::file_time_type>;

// The inputs that libFuzzer left because the target failed on them, with the times of their last writing.
[[nodiscard]] CrashTimes crashes_in(const std::filesystem::path& artifacts);
// Copies those in `scratch` to `crashes`, which is made where there are any, and answers where they are now. Throws Failure.
[[nodiscard]] std::vector<std::filesystem::path> keep_crashes(const std::filesystem::path& scratch,
                                                              const std::filesystem::path& crashes);
// Those of `after` that `before` has not, or not as new.
[[nodiscard]] std::vector<std::filesystem::path> new_crashes(const CrashTimes& before, const CrashTimes& after);

}  // namespace trestle::tool
