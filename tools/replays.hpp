// What replays of one trace cost, and how it is shown.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "bench/measurement.hpp"
#include "child.hpp"
#include "trace/plan.hpp"

namespace trestle::tool {

// The resident set when so many calls were behind the replay.
struct Resident {
  std::uint64_t calls = 0;
  double milliseconds = 0;
  long kib = 0;  // of the whole process
};

struct Replay {
  std::string allocator;
  double cpu_seconds = 0;
  double wall_seconds = 0;
  long before_kib = 0;  // resident before the first call
  long peak_kib = 0;
  std::vector<Resident> resident;
  std::string failure;  // empty: it did all of it
};

struct Replays {
  std::string trace;
  std::string program;
  std::vector<Allocator> allocators;
  trace::PlanSummary plan{};
  std::vector<Replay> runs{};
};

// What a worker said of its replay. That it was killed, or ran on another malloc, is the replay's failure.
[[nodiscard]] Replay replay_from(const Heard& heard, const Allocator& allocator, unsigned limit);

void print_table(std::ostream& out, const Replays& replays);
[[nodiscard]] std::string json_of(const Replays& replays);
[[nodiscard]] std::string page_of(const Replays& replays);

}  // namespace trestle::tool
