// Other programs, run from a process that may be broken: without a lock, an allocation, or what others registered with fork.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trestle::os {

// Runs the program at the path words[0] with the words, of which the last is null, as its arguments. What it writes to
// stdout goes to `into`, as far as there is room. Its stdin and stderr are /dev/null; it has no other file, nothing of our
// environment and no more privileges than ours. Returns how many bytes came, which is 0 where it could not be started. It
// is ended, and waited for, when its stdout is closed, the room is full, or `patience_ns` have passed. Sends its parent no
// SIGCHLD. Async-signal-safe, but one thread at a time; keeps errno.
[[nodiscard]] std::size_t output_of(const char* const* words, std::span<char> into, std::uint64_t patience_ns) noexcept;

// The path of the first file of that name in a folder of PATH that may be executed. False: there is none, its path is longer
// than the room, or the process has another's privileges and must not trust its environment.
[[nodiscard, gnu::cold]] bool find_program(const char* name, std::span<char> path) noexcept;

}  // namespace trestle::os
