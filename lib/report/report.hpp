// The printed report of a fault, and the public form of one.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/fault.hpp"
#include "report/stack.hpp"

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

// Prints one report to stderr, in one write, without allocating and without any lock.
void print_report(const Fault& fault, std::uint64_t offset, const Call& call, Severity severity) noexcept;
// One line to stderr: "trestle: " and the pieces.
void print_line(std::string_view first, std::string_view second = {}, std::string_view third = {},
                std::string_view fourth = {}) noexcept;

}  // namespace trestle
