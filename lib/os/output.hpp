// What the library writes of its own accord: to stderr, and to the files that the options name. Whoever reads there, or does
// not, cannot keep the process waiting for long, nor end it by a signal: reports come from processes that are about to abort.
// All of it is async-signal-safe and keeps errno.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace trestle::os {

// How long a file may take nothing. It is not waited for again until it has taken a text whole.
inline constexpr std::uint64_t kOutputPatienceNs = 3'000'000'000;

// Writes all of it, in as few calls as the kernel allows, and waits for room for so long in all. Returns 0, or the number of
// the error that it gave up on: EAGAIN where there was no room. Neither SIGPIPE nor SIGXFSZ comes of it, nor does SIGTTOU.
int write_all(int file, std::span<const char> text, std::uint64_t patience_ns = kOutputPatienceNs) noexcept;

// Appends the text to the file at `path`, creating it; to a file on a disk in one call. 0, or an error's number as above.
[[nodiscard]] int append_to_file(const char* path, std::span<const char> text) noexcept;
// What such a number means, in words.
[[nodiscard]] std::string_view reason_for(int error) noexcept;

// Which file stderr is, when the library is loaded.
[[gnu::cold]] void remember_stderr() noexcept;
// Writes all of it to stderr, as write_all. Nothing where the descriptor is surely another file of the program's: stderr was
// closed when it was remembered; or it was another file then, and this one is closed by exec, as no stderr is.
void write_to_stderr(std::span<const char> text) noexcept;

}  // namespace trestle::os
