// Recording around a call of the next malloc. What that calls in turn, such as its own realloc, is not the program's call:
// while it serves, nothing is recorded.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trace/recorder/recorder.hpp"

#define TRESTLE_SITE reinterpret_cast<std::uint64_t>(__builtin_return_address(0))

namespace trestle::trace {

inline std::uint64_t number_of(const void* block) noexcept { return reinterpret_cast<std::uint64_t>(block); }

// The call that `serve` makes returns a block, or null where there is no memory. Returns it.
template <Call call, class Serve>
[[gnu::always_inline]] inline void* begun(std::size_t size, std::size_t alignment, std::uint64_t site,
                                          Serve serve) noexcept {
  ThreadLog* const log = current_log();
  if (log == nullptr) return serve();
  log->is_writing = true;
  void* const block = serve();
  const std::uint64_t number = next_number();
  record(log, {.call = call,
               .begin = number,
               .end = number,
               .size = size,
               .alignment = alignment,
               .after = number_of(block),
               .site = site});
  return block;
}

// The call that `serve` makes ends `block`, which is not null.
template <Call call, class Serve>
[[gnu::always_inline]] inline void ended(const void* block, std::size_t size, std::size_t alignment, std::uint64_t site,
                                         Serve serve) noexcept {
  ThreadLog* const log = current_log();
  if (log == nullptr) return serve();
  const std::uint64_t number = next_number();
  record(log, {.call = call,
               .begin = number,
               .end = number,
               .size = size,
               .alignment = alignment,
               .before = number_of(block),
               .site = site});
  log->is_writing = true;
  serve();
  log->is_writing = false;
}

// The call that `serve` makes may end `block` and begin another.
template <Call call, class Serve>
[[gnu::always_inline]] inline void* resized(void* block, std::size_t size, std::uint64_t site, Serve serve) noexcept {
  ThreadLog* const log = current_log();
  if (log == nullptr) return serve();
  log->is_writing = true;
  const std::uint64_t begin = next_number();
  void* const to = serve();
  record(log, {.call = call,
               .begin = begin,
               .end = next_number(),
               .size = size,
               .before = number_of(block),
               .after = number_of(to),
               .site = site});
  return to;
}

}  // namespace trestle::trace
