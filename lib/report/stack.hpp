// The stack of a call, by frame pointers or by the tables for exceptions. For a report every word is read as foreign memory and
// vetted before it is followed: a program built without frame pointers, or one with a smashed stack, gives a shorter stack, never
// a second fault.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace trestle {

// Where a call into the library came from; taken at the edge, by TRESTLE_CALL_SITE there. Or where the program was
// interrupted: then `frame` is that of the instruction before the return address, and what lies on top of its stack may be
// where it returns to, since many a leaf has no frame of its own; the tables need its stack pointer.
struct CallSite {
  const void* frame = nullptr;
  const void* return_address = nullptr;
  bool is_interrupted = false;
  const void* top_of_stack = nullptr;
  const void* stack_pointer = nullptr;
};
#define TRESTLE_CALL_SITE \
  ::trestle::CallSite { __builtin_frame_address(0), __builtin_return_address(0) }

inline constexpr std::size_t kMaxFrames = 48;

struct Stack {
  std::array<const void*, kMaxFrames> frames{};
  std::size_t depth = 0;

  [[nodiscard]] std::span<const void* const> addresses() const noexcept { return {frames.data(), depth}; }
};

// From now on stacks are followed by tables, and by frame pointers only where there are none; or as before. For one thread at a
// time. False: not on this kind of machine.
bool follow_unwind_tables(bool wanted) noexcept;

// Into `stack`, the innermost frame first. Needs no lock, no allocation. Cost: a system call for every few frames, and a look
// for the object that each lies in.
void capture(const CallSite& site, Stack& stack) noexcept;

// The same for allocations and releases: return addresses, the innermost first, into `into`; how many. Words on the stack that
// the thread began on are read as they are, if that is the first thread's or was told of, and of other stacks as foreign memory;
// what they lead to is vetted by who prints it. Needs no lock, no allocation. Cost: some nanoseconds a frame, by tables some ten;
// of other stacks a system call for every few frames.
std::size_t capture_own(const CallSite& site, std::span<const void*> into) noexcept;
// The calling thread, as the system numbers it; no call of the system but the thread's first.
[[nodiscard]] int own_thread_id() noexcept;
// Where the stack of the calling thread lies, which nobody else has given it: that all from a frame in it to its end can be read
// until the thread ends. Once, when the thread begins.
void tell_own_stack(std::uintptr_t begin, std::uintptr_t end) noexcept;
// In the child of a fork, whose thread has another number than in the parent.
void forget_own_thread_id() noexcept;

// The object that holds a code address, and the address's distance from its load address. `path` is empty for the program
// itself, null where no object holds it.
struct CodePlace {
  const char* path = nullptr;
  std::uint64_t offset = 0;
};
[[nodiscard]] CodePlace place_of_code(const void* address) noexcept;
// The path of the program itself, by the kernel; empty where that is not to be had. One thread at a time.
[[nodiscard]] std::string_view own_path() noexcept;

}  // namespace trestle
