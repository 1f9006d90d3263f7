// What the library's processes left behind at their end: lines of JSON, one a process, added up and put into a sentence.
#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <string>

namespace trestle::tool {

struct ProcessSummary {
  std::uint64_t allocations = 0;
  std::uint64_t peak_live_bytes = 0;
  std::uint64_t peak_rss_bytes = 0;
  std::uint64_t checks = 0;
  std::uint64_t check_nanoseconds = 0;
  std::uint64_t faults = 0;
  bool leaks_searched = false;
  std::uint64_t leaked_blocks = 0;
  std::uint64_t leaked_bytes = 0;
  std::string fault;  // the kind of the first fault; empty where there was none
};

struct Summary {
  std::map<std::int64_t, ProcessSummary>
      processes;                 // by pid; of two lines of one process the later one, whose numbers go on
  std::uint64_t unreadable = 0;  // lines that no process of ours wrote, or wrote whole
};

[[nodiscard]] Summary read_summary(std::istream& lines);

// "12,345 allocations, peak 4.2 MiB live, 9.8 MiB resident, 0.12 s in 3 checks, faults: none". Several processes are counted
// and added up; the peaks are then the highest of one process, since they need not have peaked together.
[[nodiscard]] std::string describe(const Summary& summary);
// Of all the processes.
[[nodiscard]] std::uint64_t leaked_blocks(const Summary& summary);
// How many of them looked for leaks.
[[nodiscard]] std::size_t leak_searches(const Summary& summary);

// "12,345" and "4.2 MiB".
[[nodiscard]] std::string with_commas(std::uint64_t number);
[[nodiscard]] std::string bytes_as_text(std::uint64_t bytes);

}  // namespace trestle::tool
