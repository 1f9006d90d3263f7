// Linux under a sanitizer that is told which bytes are whose: what would be closed to the processor loses its contents and
// stays open, since the sanitizer reads all that can be read when it looks for leaks, and knows better.
#pragma once

#include "os/linux_os.hpp"

namespace trestle {

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

}  // namespace trestle
