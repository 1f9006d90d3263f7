// The file of this process's trace. It is opened anew for each chunk, and closed: a program may close descriptors that it does
// not know, and count its own.
#pragma once

#include <cstdint>

#include "trace/encode.hpp"

namespace trestle::trace {

class TraceFile {
 public:
  // Makes the file that TRESTLE_TRACE names, or, where another process made that one, the same name with this process's id
  // behind it. False where there is none to be made: says why on stderr, unless nobody asked for a trace.
  [[nodiscard]] static bool open() noexcept;

  // A chunk without records at the file's end, mapped. `after`: the number of the thread's last event. Its chunk() is null
  // where there is no room: counted as a call that was lost. Any thread. Cost: six system calls and the pages' zeroing.
  [[nodiscard]] static ChunkWriter take(std::uint32_t bytes, ChunkKind kind, std::uint32_t thread,
                                        std::uint64_t after) noexcept;

  // The program ends in order: that is written into the file. What is recorded after this is recorded still. Nothing in
  // another process than the file's, such as a child between vfork and exec. May be called by a signal's handler.
  static void end() noexcept;
};

}  // namespace trestle::trace
