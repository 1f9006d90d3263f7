// TRESTLE_OPTIONS=key=value:key=value, from one table. The value of `report` has a colon of its own. A key that is unknown, or
// a value that does not parse, is named in a warning on stderr and ignored. Sizes take a suffix k, m or g.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace trestle {

inline constexpr std::size_t kMaxPath = 1024;

struct Options {
  bool check_at_exit = false;
  bool handle_segv = false;
  bool leak_check = false;
  bool sweep = false;
  bool unwind_tables = false;
  bool abort = true;
  bool abort_on_mismatch = false;
  std::uint32_t reports_per_minute = 60;
  std::uint64_t sample = 0;
  std::optional<std::uint64_t> sample_below = std::nullopt;  // none: as `sample` is
  std::uint64_t check_every = 0;
  std::uint64_t decay_ms = 1000;
  std::uint64_t dirty_bytes = std::uint64_t{256} << 20;
  std::array<char, kMaxPath> summary{};            // a path; empty: none
  std::array<char, kMaxPath> symbolizer{};         // a path, or "none"; empty: what PATH has
  std::array<char, kMaxPath> leak_suppressions{};  // a path; empty: none
  std::array<char, kMaxPath> json{};               // a path to which reports are appended; empty: none

  // One sample in so many lies against a guard page below it; 0: none. Who asks for each request wants its overflow seen.
  [[nodiscard]] constexpr std::uint64_t samples_below() const noexcept {
    constexpr std::uint64_t kUsual = 4;
    return sample_below.value_or(sample == 1 ? 0 : kUsual);
  }

  friend bool operator==(const Options&, const Options&) = default;
};

enum class OptionType : std::uint8_t { flag, count, bytes, path, json_path };

struct OptionRow {
  std::string_view name;
  OptionType type;
  std::string_view default_text;
  std::string_view help;
};

inline constexpr std::array<OptionRow, 17> trestle_options_table{{
    {"abort", OptionType::flag, "1",
     "0: the process goes on after a fault where that is safe, and reports the first of each site; see "
     "docs/reports.md"},
    {"abort_on_mismatch", OptionType::flag, "0, 1 under the debug policy",
     "whether malloc, new and new[] released by one another's functions are as other faults, and not a warning"},
    {"reports_per_minute", OptionType::count, "60",
     "print at most so many reports of faults that the process goes on after; 0: all"},
    {"check_at_exit", OptionType::flag, "0, 1 under the debug policy",
     "check the whole heap when the process ends, and report its faults"},
    {"check_every", OptionType::count, "0", "check the whole heap after every N calls of the malloc family; 0: never"},
    {"handle_segv", OptionType::flag, "1, 0 under the fast policy",
     "report an access to memory that the heap has closed; any other SIGSEGV is the program's as ever"},
    {"leak_check", OptionType::flag, "0, 1 under the debug policy",
     "look for blocks that no pointer leads to when the process ends by exit, and report them"},
    {"leak_suppressions", OptionType::path, "none",
     "a file of patterns: leaks with a matching function, file or object in their stack are not reported"},
    {"sweep", OptionType::flag, "0",
     "freed blocks wait until a search finds no pointer to them; under the hardened and debug policies"},
    {"unwind_tables", OptionType::flag, "0",
     "stacks by the tables for exceptions instead of frame pointers: whole ones of programs that keep none, at a "
     "price"},
    {"decay_ms", OptionType::count, "1000", "milliseconds after which a free span's pages go back to the system"},
    {"dirty_bytes", OptionType::bytes, "256m",
     "free spans may hold this many bytes of pages before the oldest go back at once"},
    {"sample", OptionType::count, "5000 under the hardened policy, else 0",
     "one in about N requests of up to 256 KiB gets pages of its own, against a guard page; 1: each; 0: none"},
    {"sample_below", OptionType::count, "4, 0 where sample=1",
     "one in about N samples lies against a guard page below it instead of behind it; 0: none"},
    {"summary", OptionType::path, "none",
     "append one line of JSON with the process's figures to this file when it ends"},
    {"report", OptionType::json_path, "none", "json:PATH: append each report to this file as a line of JSON"},
    {"symbolizer", OptionType::path, "llvm-symbolizer, or else addr2line, if PATH has one",
     "the program that reports ask for functions and lines: a path of one of the two, or none"},
}};

// Reads the text into `options`; what it does not mention stays. `warn` gets each word that was ignored, and why.
using OptionWarning = void (*)(std::string_view word, std::string_view why);
void parse_options(std::string_view text, Options& options, OptionWarning warn) noexcept;

}  // namespace trestle
