// Recording around a call of the next malloc. What that calls in turn, such as its own realloc, is not the program's call:
// while it serves, nothing is recorded.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trace/recorder/recorder.hpp"

#define TRESTLE_SITE reinterpret_cast<std::uint64_t>(__builtin_return_address(0))

namespace trestle::trace {

inline std::uint64_t number_of(const void* block) noexcept { return reinterpret_cast<std::uint64_t>(block); }

// In a child that a signal's handler forked meanwhile nothing is recorded, and what was the log is empty.
[[gnu::always_inline]] inline bool is_gone(const ThreadLog& log) noexcept { return log.state != LogState::busy; }

// The call that `serve` makes returns a block, or null where there is no memory. Returns it.
template <Call call, class Serve>
[[gnu::always_inline]] inline void* begun(std::size_t size, std::size_t alignment, std::uint64_t site,
                                          Serve serve) noexcept {
  ThreadLog* const log = current_log();
  if (log == nullptr) return serve();
  log->state = LogState::busy;
  void* const block = serve();
  if (is_gone(*log)) [[unlikely]]
    return block;
  const std::uint64_t number = log->numbers.next(number_of(block));
  record(log, {.call = call,
               .begin = number,
               .end = number,
               .size = size,
               .alignment = alignment,
               .after = number_of(block),
               .site = site});
  log->state = LogState::ready;
  return block;
}

// The call that `serve` makes ends `block`, which is not null.
template <Call call, class Serve>
[[gnu::always_inline]] inline void ended(const void* block, std::size_t size, std::size_t alignment, std::uint64_t site,
                                         Serve serve) noexcept {
  ThreadLog* const log = current_log();
  if (log == nullptr) return serve();
  log->state = LogState::busy;
  const std::uint64_t number = log->numbers.next(number_of(block));
  record(log, {.call = call,
               .begin = number,
               .end = number,
               .size = size,
               .alignment = alignment,
               .before = number_of(block),
               .site = site});
  serve();
  if (!is_gone(*log)) log->state = LogState::ready;
}

// The call that `serve` makes may end `block` and begin another.
template <Call call, class Serve>
[[gnu::always_inline]] inline void* resized(void* block, std::size_t size, std::uint64_t site, Serve serve) noexcept {
  ThreadLog* const log = current_log();
  if (log == nullptr) return serve();
  log->state = LogState::busy;
  const std::uint64_t begin = log->numbers.next(number_of(block));
  void* const to = serve();
  if (is_gone(*log)) [[unlikely]]
    return to;
  // Where there was no memory, the old block is there again.
  const std::uint64_t end = log->numbers.next(number_of(to != nullptr ? to : block));
  record(log, {.call = call,
               .begin = begin,
               .end = end,
               .size = size,
               .before = number_of(block),
               .after = number_of(to),
               .site = site});
  log->state = LogState::ready;
  return to;
}

}  // namespace trestle::trace
