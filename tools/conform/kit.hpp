// The programs of conform/, as they lie in a build tree or an installation, and running their cases on a library.
#pragma once

#include <filesystem>

#include "conform/results.hpp"

namespace trestle::tool {

class ConformKit {
 public:
  // `programs` is the directory that has them; `limit` the seconds that a case may take. Throws Failure where they are not
  // there.
  ConformKit(std::filesystem::path programs, unsigned limit);

  // All cases whose names hold a match of `pattern`. Throws Failure (kUsage) when there is none.
  [[nodiscard]] std::vector<ConformCase> cases(const std::string& pattern) const;

  // Why the loader does not put `allocator` in place of malloc; empty: it does, as a process on it says.
  [[nodiscard]] std::string obstacle(const Allocator& allocator) const;

  // One case, in a process of its own. What failed in `ops` comes as a C program too.
  [[nodiscard]] ConformResult run(const ConformCase& one, const Allocator& allocator) const;

 private:
  [[nodiscard]] std::string program_of(const std::string& area) const;
  [[nodiscard]] std::string shrunk(const std::string& seed, const Allocator& allocator) const;

  std::filesystem::path programs_;
  unsigned limit_;
};

// The allocator's name that stands for a process without a preloaded library.
inline constexpr const char* kSystemMalloc = "glibc";

}  // namespace trestle::tool
