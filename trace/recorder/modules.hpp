// The table of modules: where in memory the program and its libraries lie, as far as calls came from there.
#pragma once

#include <cstdint>

namespace trestle::trace {

class Modules {
 public:
  // All that are loaded now; called once, when the C library is there.
  static void begin() noexcept;

  // A call came from there. Where no module of the table holds it, the loader is asked what it has loaded since. Any thread;
  // waits for no lock of the recorder's, since the thread that has the loader's may be waiting for that.
  static void note(std::uint64_t site) noexcept;
};

}  // namespace trestle::trace
