// A fuzz target run on one input in a process of its own, and how that ended.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace trestle::fuzz {

// How the target failed, in its own words: the name of the expectation, what a sanitizer calls it, or the signal. Empty: it
// did not. The evidence that differs from run to run, such as addresses, is not part of it.
[[nodiscard]] std::string failure_in(const std::string& report, int status);

// Throws std::runtime_error where the target cannot be started or the input cannot be written.
class Rerun {
 public:
  explicit Rerun(std::filesystem::path target);
  Rerun(const Rerun&) = delete;
  Rerun& operator=(const Rerun&) = delete;
  ~Rerun();

  // Runs the target on these bytes. Cost: a process.
  [[nodiscard]] std::string failure_of(const std::vector<std::uint8_t>& bytes) const;

 private:
  std::filesystem::path target_;
  std::filesystem::path folder_;  // holds the input and the report
};

}  // namespace trestle::fuzz
