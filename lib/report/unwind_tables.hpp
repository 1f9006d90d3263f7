// The way from a frame to its caller by the tables that compilers make for exceptions (.eh_frame; DWARF 5, 6.4, as the System V
// ABI for x86-64 and the Linux Standard Base have it): stacks of programs that keep no frame pointers. For x86-64. Needs no lock
// and no allocation; async-signal-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace trestle {

// Of a frame: where it goes on, and its stack pointer and base pointer there.
struct Registers {
  std::uintptr_t pc = 0;
  std::uintptr_t sp = 0;
  std::uintptr_t bp = 0;
};

// Where a register of the caller is found.
struct Place {
  enum class Kind : std::uint8_t {
    same,       // in the register itself
    at_offset,  // in memory, `offset` bytes from the frame's address
    expressed,  // in memory, where the expression says
    unknown,    // nowhere: of the return address, there is no caller
  };
  Kind kind = Kind::same;
  std::int32_t offset = 0;
  std::span<const std::uint8_t> expression{};
};

// To add it to an address.
[[nodiscard]] inline std::uintptr_t widened(std::int32_t offset) noexcept {
  return static_cast<std::uintptr_t>(std::int64_t{offset});
}

// How one frame leads to the next: the frame's address (CFA), which is the caller's stack pointer, and what is found from there.
struct UnwindRule {
  enum class From : std::uint8_t { unfollowed, sp, bp, expression };
  From from = From::unfollowed;  // by an offset from one of these two, or as the expression says
  std::int32_t offset = 0;
  std::span<const std::uint8_t> expression{};
  Place bp{};
  Place return_address{Place::Kind::unknown};
  bool is_of_signal = false;  // the caller was interrupted: it has not called anything
};

// The tables of one object.
struct UnwindTables {
  std::span<const std::uint8_t> object;  // all of it as it is mapped: nothing beyond is read
  const std::uint8_t* header = nullptr;  // its .eh_frame_hdr, which lies in there
};
// What they say of a place in its code; nothing where there is no entry, or none that is understood.
[[nodiscard]] std::optional<UnwindRule> read_unwind_rule(const UnwindTables& tables, std::uintptr_t pc) noexcept;

// Reads a word of the stack: false ends the way.
using ReadWord = bool (*)(std::uintptr_t at, std::uintptr_t& word, void* context);
// The caller's registers; nothing where it has none, or they cannot be read.
[[nodiscard]] std::optional<Registers> apply(const UnwindRule& rule, const Registers& frame, ReadWord read,
                                             void* context) noexcept;

enum class Unwound : std::uint8_t { to_caller, to_end, no_rule };
// Goes on to the caller, if there is a rule for that, and one. `is_exact`: `pc` is the instruction that is executed next, and
// not one that a call returns to; tells it of the caller. Cost: some ten nanoseconds at places asked for lately, of objects
// that are never unloaded; otherwise a search by halves and a few dozen bytes read.
Unwound unwind(Registers& frame, bool& is_exact, ReadWord read, void* context) noexcept;

// The objects that the process began with, which it never unloads, have their rules kept from now on where they are found. Called
// by one thread at a time, before others call unwind.
void keep_unwind_rules() noexcept;

}  // namespace trestle
