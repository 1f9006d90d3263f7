// The way from a frame to its caller by the tables that compilers make for exceptions (.eh_frame; DWARF 5, 6.4, as the System V
// ABI for x86-64 and the Linux Standard Base have it): stacks of programs that keep no frame pointers. For x86-64. Needs no lock
// and no allocation; async-signal-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace trestle {

inline constexpr bool kHasUnwindTables =
#if defined(__x86_64__)
    true;
#else
    false;
#endif

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

// How one frame leads to the next: the frame's address (CFA), which is the caller's stack pointer, and what is found from there.
struct UnwindRule {
  bool is_by_base = false;  // from the base pointer, and not from the stack pointer
  std::int32_t offset = 0;
  std::span<const std::uint8_t> expression{};  // instead of these two, unless it is empty
  Place bp{};
  Place return_address{Place::Kind::unknown};
  bool is_of_signal = false;  // the caller was interrupted: it has not called anything
};

// The registers by their numbers in the tables.
inline constexpr std::uint64_t kUnwindBp = 6;
inline constexpr std::uint64_t kUnwindSp = 7;
inline constexpr std::uint64_t kUnwindPc = 16;

// As the tables have it, read anew.
[[nodiscard]] std::optional<UnwindRule> read_unwind_rule(std::uintptr_t pc) noexcept;
// The rule at a place in the code; nothing where there is no table for it, or none that is understood. Cost: a search by halves and
// a few dozen bytes read; of places asked for lately some nanoseconds.
[[nodiscard]] std::optional<UnwindRule> unwind_rule_at(std::uintptr_t pc) noexcept;

// Reads a word of the stack: false ends the way.
using ReadWord = bool (*)(std::uintptr_t at, std::uintptr_t& word, void* context);

// The caller's registers; nothing where there is none. `is_exact`: `pc` is the instruction that is executed next, and not one that
// a call returns to; tells it of the caller.
[[nodiscard]] std::optional<Registers> unwind(const Registers& frame, bool& is_exact, ReadWord read,
                                              void* context) noexcept;

}  // namespace trestle
