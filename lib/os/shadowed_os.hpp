// Linux under the tools that are told which bytes are whose.
#pragma once

#include "base/marks.hpp"
#include "os/linux_os.hpp"

namespace trestle {

// Under AddressSanitizer what would be closed to the processor loses its contents and stays open, since the sanitizer reads all
// that can be read when it looks for leaks, and knows better.
class ShadowedOs : public LinuxOs {
 public:
  bool guard(std::byte* at, std::size_t bytes) noexcept { return purge(at, bytes); }
  bool unguard(std::byte* at, std::size_t bytes) noexcept { return purge(at, bytes); }
  bool close(std::byte* at, std::size_t bytes) noexcept { return purge(at, bytes); }
  bool open(std::byte* at, std::size_t bytes) noexcept { return purge(at, bytes); }
  // The sanitizer would take what is mapped anew for the program's.
  bool move(std::byte*, std::byte*, std::size_t) noexcept { return false; }
};
static_assert(Os<ShadowedOs>);

// Under Valgrind nothing that the heap has is the program's, its tables neither: memcheck's search for leaks would take the
// addresses there for pointers. What is opened to the processor is taken for the program's unless that is said again.
class WatchedOs : public LinuxOs {
 public:
  bool commit(std::byte* at, std::size_t bytes) noexcept {
    if (!LinuxOs::commit(at, bytes)) return false;
    forbid_access(at, bytes);
    return true;
  }
  bool open(std::byte* at, std::size_t bytes) noexcept {
    if (!LinuxOs::open(at, bytes)) return false;
    forbid_access(at, bytes);
    return true;
  }
};
static_assert(Os<WatchedOs>);

}  // namespace trestle
