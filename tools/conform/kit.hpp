// The programs of conform/, as they lie in a build tree or an installation, and running their cases on a library.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "conform/results.hpp"

namespace trestle::tool {

// Programs chosen for a library for so many seconds, or until there were so many (0: no such end).
struct Fuzzing {
  std::size_t seconds;
  std::size_t runs;
  std::uint32_t seed;
  std::filesystem::path corpus;  // a directory
  std::filesystem::path input;   // gets the bytes of a program that fails
  std::filesystem::path result;  // gets what was done, a line each: what, tab, how much
};

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

  // Its exit status. Its progress goes to stderr. Throws Failure where the kit was built without libFuzzer.
  [[nodiscard]] int fuzz(const Allocator& allocator, const Fuzzing& fuzzing) const;
  // The smallest part of the program in that file that fails alike, as C, or why there is none.
  [[nodiscard]] std::string shrunk_input(const std::string& file, const Allocator& allocator) const;

 private:
  [[nodiscard]] std::string program_of(const std::string& area) const;
  // `which`: what --shrink of conform_ops takes after the library.
  [[nodiscard]] std::string shrunk(const std::vector<std::string>& which, const Allocator& allocator) const;

  std::filesystem::path programs_;
  unsigned limit_;
};

// The allocator's name that stands for a process without a preloaded library.
inline constexpr const char* kSystemMalloc = "glibc";

}  // namespace trestle::tool
