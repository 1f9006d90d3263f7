// Running a workload on an allocator, and making sure that it was that allocator which it ran on.
#pragma once

#include <filesystem>
#include <string>

#include "bench/measurement.hpp"
#include "child.hpp"

namespace trestle::tool {

// A directory for what the runs leave behind, which goes when the object does.
class Scratch {
 public:
  Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Runner {
 public:
  // `programs` holds what bench/ builds, `scripts` is bench/programs; our own workloads do `work` percent of the usual.
  Runner(std::filesystem::path programs, std::filesystem::path scripts, unsigned work);

  // One run. What goes wrong in the workload, and another malloc than the allocator's, is the run's failure.
  [[nodiscard]] Run run(const Workload& workload, const Allocator& allocator) const;

  // Why the loader does not put `allocator` in place of malloc; empty: it does. Runs `true`.
  [[nodiscard]] std::string obstacle(const Allocator& allocator) const;

  // Why a workload cannot run here at all: its program is not there. Empty: it can.
  [[nodiscard]] std::string obstacle(const Workload& workload) const;

 private:
  [[nodiscard]] std::vector<std::string> words_of(const Workload& workload, const Allocator& allocator) const;
  [[nodiscard]] Settings settings_for(const Allocator& allocator) const;
  [[nodiscard]] std::string testimony_against(const Allocator& allocator, const std::string& program) const;
  [[nodiscard]] std::string witness_file() const { return scratch_.path() + "/witness"; }

  std::filesystem::path programs_;
  std::filesystem::path scripts_;
  unsigned work_;
  Scratch scratch_;
};

}  // namespace trestle::tool
