// What is wrong with a trace, or a text that is to become one.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace trestle::trace {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
  Error(const std::string& path, std::uint64_t offset, const std::string& what)
      : std::runtime_error(path + ": at byte " + std::to_string(offset) + ": " + what) {}
};

}  // namespace trestle::trace
