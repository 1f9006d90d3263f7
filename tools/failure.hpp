// How the tool fails, and the exit statuses that it has of its own.
#pragma once

#include <stdexcept>
#include <string>

namespace trestle::tool {

// A failure with the exit status that it ends the program with. The text names what was wrong.
struct Failure : std::runtime_error {
  Failure(int exit_status, const std::string& text) : std::runtime_error(text), status(exit_status) {}
  int status;
};

// As env, nohup and timeout have it: what a wrapper of other programs says with its own exit status.
inline constexpr int kUsage = 2;
inline constexpr int kOwnFailure = 125;
inline constexpr int kNotExecutable = 126;
inline constexpr int kNotFound = 127;
inline constexpr int kSignalled = 128;

}  // namespace trestle::tool
