// The file of this process's trace. It is opened anew for each chunk, and closed: a program may close descriptors that it does
// not know, and count its own.
#pragma once

#include <cstdint>

namespace trestle::trace {

class TraceFile {
 public:
  // Makes the file that TRESTLE_TRACE names, or, where another process made that one, the same name with this process's id
  // behind it. False where there is none to be made: says why on stderr, unless nobody asked for a trace.
  [[nodiscard]] static bool open() noexcept;

  // So many bytes of zeros at the file's end, mapped. Null where there is no room: counted as a call that was lost. Any
  // thread. Cost: five system calls and the pages' zeroing.
  [[nodiscard]] static unsigned char* take(std::uint32_t bytes) noexcept;
};

}  // namespace trestle::trace
