// Command lines that end in another program's: trestle run [OPTIONS] -- PROGRAM ARGS...
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"

namespace trestle::tool {

// CLI11 cannot know of what follows the options.
class ProgramHelp : public CLI::Formatter {
 public:
  explicit ProgramHelp(std::string command) : command_(std::move(command)) {}
  [[nodiscard]] std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: trestle " + command_ + " [OPTIONS] -- PROGRAM ARGS...\n";
  }

 private:
  std::string command_;
};

// What stood before the first "--" and was no option of ours begins the program, or is a mistyped option.
inline std::vector<std::string> program_from(const std::string& command, const std::vector<std::string>& before,
                                             const Rest& rest) {
  std::vector<std::string> words = before;
  if (!before.empty() && before[0].starts_with('-')) {
    throw Failure(kUsage, command + ": unknown option " + before[0] + "; try trestle " + command + " --help");
  }
  if (!before.empty() && rest.given) words.emplace_back("--");
  words.insert(words.end(), rest.words.begin(), rest.words.end());
  if (words.empty()) {
    throw Failure(kUsage, command + ": no program given; try trestle " + command + " -- PROGRAM ARGS");
  }
  return words;
}

}  // namespace trestle::tool
