// Recording a call: each thread encodes into a chunk of its own, which is a piece of the trace file mapped into memory, so that
// nothing is lost when the process is killed. A chunk that is full makes place for one at the file's end.
//   A block's events are numbered in the order of what happened: a number that a block's end takes before the next malloc
//   gets it back, and one that a block's begin takes after it was had.
#pragma once

#include <atomic>

#include "trace/encode.hpp"

namespace trestle::trace {

struct ThreadLog {
  Encoder encoder;
  std::uint32_t thread = 0;
  bool is_writing = false;  // or the next malloc serves: what that, or a signal's handler, calls is not recorded
};

namespace internal {
inline constinit thread_local ThreadLog* log [[gnu::tls_model("initial-exec")]] = nullptr;
// In a page of its own that is zero in a child after fork. Null: not yet begun.
inline constinit std::atomic<std::uint32_t>* is_on = nullptr;
alignas(64) inline constinit std::atomic<std::uint64_t> last_number{0};

// What is rare: the beginning, a thread's first call, a full chunk. Null: not recorded.
[[nodiscard]] ThreadLog* begin_log() noexcept;
[[nodiscard]] bool take_chunk(ThreadLog& log) noexcept;
void note_site(std::uint64_t site) noexcept;
}  // namespace internal

// The calling thread's log, or null where it does not record.
[[nodiscard]] inline ThreadLog* current_log() noexcept {
  if (internal::is_on == nullptr || internal::log == nullptr) [[unlikely]]
    return internal::begin_log();
  if (internal::is_on->load(std::memory_order_relaxed) == 0) [[unlikely]]
    return nullptr;
  return internal::log->is_writing ? nullptr : internal::log;
}

[[nodiscard]] inline std::uint64_t next_number() noexcept {
  return internal::last_number.fetch_add(1, std::memory_order_relaxed) + 1;
}

[[gnu::always_inline]] inline void record(ThreadLog* log, const Record& record) noexcept {
  log->is_writing = true;
  if (log->encoder.has_room() || internal::take_chunk(*log)) {
    if (log->encoder.put(record)) [[unlikely]]
      internal::note_site(record.site);
  }
  log->is_writing = false;
}

}  // namespace trestle::trace
