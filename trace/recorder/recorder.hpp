// Recording a call: each thread encodes into a chunk of its own, which is a piece of the trace file mapped into memory, so that
// nothing is lost when the process is killed. A chunk that is full makes place for one at the file's end.
#pragma once

#include <atomic>

#include "trace/encode.hpp"
#include "trace/recorder/numbers.hpp"

namespace trestle::trace {

enum class LogState : std::uint8_t {
  none,  // in a child after fork: its logs are zeros
  ready,
  busy,  // writing, or the next malloc serves: what that, or a signal's handler, calls is not recorded
};

struct ThreadLog {
  LogState state = LogState::ready;
  std::uint32_t thread = 0;
  Numbers numbers;
  Encoder encoder;
};

namespace internal {
inline constinit thread_local ThreadLog* log [[gnu::tls_model("initial-exec")]] = nullptr;

// What is rare: the beginning, a thread's first call, a record that is long or needs a chunk. Null: not recorded.
[[nodiscard]] ThreadLog* begin_log() noexcept;
void record_slowly(ThreadLog& log, Record record) noexcept;
}  // namespace internal

// The calling thread's log, or null where it does not record.
[[nodiscard]] inline ThreadLog* current_log() noexcept {
  ThreadLog* const log = internal::log;
  if (log == nullptr) [[unlikely]]
    return internal::begin_log();
  return log->state == LogState::ready ? log : nullptr;
}

// The record is one object of its own for what is rare, and else none: its fields stay in registers.
[[gnu::always_inline]] inline void record(ThreadLog* log, Record record) noexcept {
  if (!log->encoder.put_short(record)) [[unlikely]]
    internal::record_slowly(*log, record);
}

}  // namespace trestle::trace
