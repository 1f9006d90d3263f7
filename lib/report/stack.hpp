// The stack of a call, by frame pointers. Every word is read as foreign memory and vetted before it is followed: a program
// built without frame pointers, or one with a smashed stack, gives a shorter stack, never a second fault.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace trestle {

// Where a call into the library came from; taken at the edge, by TRESTLE_CALL_SITE there.
struct CallSite {
  const void* frame = nullptr;
  const void* return_address = nullptr;
};
#define TRESTLE_CALL_SITE \
  ::trestle::CallSite { __builtin_frame_address(0), __builtin_return_address(0) }

inline constexpr std::size_t kMaxFrames = 48;

struct Stack {
  std::array<const void*, kMaxFrames> frames{};
  std::size_t depth = 0;

  [[nodiscard]] std::span<const void* const> addresses() const noexcept { return {frames.data(), depth}; }
};

// Into `stack`, the innermost frame first. Needs no lock, no allocation. Cost: one system call a frame.
void capture(const CallSite& site, Stack& stack) noexcept;

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
