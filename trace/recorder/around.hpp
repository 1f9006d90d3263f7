// Recording around a call of the next malloc, and what all entries share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trace/recorder/recorder.hpp"

#define TRESTLE_SITE reinterpret_cast<std::uint64_t>(__builtin_return_address(0))

namespace trestle::trace {

inline std::uint64_t number_of(const void* block) noexcept { return reinterpret_cast<std::uint64_t>(block); }

// The call gave `block`, null where there was no memory. Returns it.
template <Call call>
[[gnu::always_inline]] inline void* begun(void* block, std::size_t size, std::size_t alignment,
                                          std::uint64_t site) noexcept {
  if (ThreadLog* const log = current_log(); log != nullptr) {
    const std::uint64_t number = next_number();
    record(log, {.call = call,
                 .begin = number,
                 .end = number,
                 .size = size,
                 .alignment = alignment,
                 .after = number_of(block),
                 .site = site});
  }
  return block;
}

// The call is about to end `block`, which is not null.
template <Call call>
[[gnu::always_inline]] inline void ended(const void* block, std::size_t size, std::size_t alignment,
                                         std::uint64_t site) noexcept {
  if (ThreadLog* const log = current_log(); log != nullptr) {
    const std::uint64_t number = next_number();
    record(log, {.call = call,
                 .begin = number,
                 .end = number,
                 .size = size,
                 .alignment = alignment,
                 .before = number_of(block),
                 .site = site});
  }
}

// The call, which `serve` makes, may end `block` and begin another.
template <Call call, class Serve>
[[gnu::always_inline]] inline void* resized(void* block, std::size_t size, std::uint64_t site, Serve serve) noexcept {
  ThreadLog* const log = current_log();
  const std::uint64_t begin = log != nullptr ? next_number() : 0;
  void* const to = serve();
  if (log != nullptr) {
    record(log, {.call = call,
                 .begin = begin,
                 .end = next_number(),
                 .size = size,
                 .before = number_of(block),
                 .after = number_of(to),
                 .site = site});
  }
  return to;
}

}  // namespace trestle::trace
