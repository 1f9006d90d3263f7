// The printed report of a fault, and the public form of one.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/fault.hpp"
#include "report/history.hpp"
#include "report/stack.hpp"
#include "report/suppressions.hpp"

namespace trestle {

// The call at whose edge a fault was found.
struct Call {
  const char* function;  // "free"
  const void* argument;  // what it was given, null where that says nothing
  const char* policy;
  CallSite site;
};

// What the caller sees of a fault. `offset` is that of its address in its heap, UINT64_MAX where it is not the heap's.
[[nodiscard]] trestle_fault publish(const Fault& fault, std::uint64_t offset) noexcept;

enum class Severity { fatal, warning };

// Blocks that leaked at one place: how many, of how many bytes; and those that only they lead to.
struct Leaked {
  std::size_t blocks = 0;
  std::size_t bytes = 0;
  std::size_t indirect_blocks = 0;
  std::size_t indirect_bytes = 0;

  [[nodiscard]] std::size_t all_blocks() const noexcept { return blocks + indirect_blocks; }
  [[nodiscard]] std::size_t all_bytes() const noexcept { return bytes + indirect_bytes; }
  Leaked& operator+=(const Leaked& more) noexcept {
    blocks += more.blocks;
    bytes += more.bytes;
    indirect_blocks += more.indirect_blocks;
    indirect_bytes += more.indirect_bytes;
    return *this;
  }
};

// What else a report tells, where it is known.
struct Beside {
  History history{};
  Leaked leaked{};
};

// What became of a report: inside, as busy, no more than a line was printed, since this thread was in one already, when a fault
// interrupted it; or another has been for too long.
enum class Printed { whole, inside, busy };

// Prints one report to stderr without allocating, in one write, or in two where a symbolizer is asked in between; in more, and
// what is left of it not at all, where stderr takes no more at once. Reports of several threads come one after the other. Where
// the symbolizer can tell, stacks are in terms of the source.
Printed print_report(const Fault& fault, std::uint64_t offset, const Call& call, Severity severity,
                     const Beside& beside = {}) noexcept;

// The llvm-symbolizer or addr2line that print_report asks what addresses are in the source, a path; empty: nobody. The text
// must last.
[[gnu::cold]] void set_symbolizer(const char* path) noexcept;

// By which find_suppressed goes. They must last.
void set_suppressions(const Suppressions* suppressions) noexcept;
// Which of the traces have a frame whose function, place or object the suppressions match; null is a trace without frames. Asks
// the symbolizer for many traces at once. Where another thread is in a report for too long, none.
void find_suppressed(std::span<const Trace* const> traces, std::span<bool> suppressed) noexcept;

// The file to which each report is appended as a line of JSON as well; empty: none. The text must last.
[[gnu::cold]] void set_json_reports(const char* path) noexcept;
// One line to stderr: "trestle: " and the pieces.
void print_line(std::string_view first, std::string_view second = {}, std::string_view third = {},
                std::string_view fourth = {}) noexcept;

}  // namespace trestle
