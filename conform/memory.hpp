// How much memory this process has.
#pragma once

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "case.hpp"

namespace trestle::conform {

// KiB, by what the system counts.
inline long resident_kib() {
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  std::array<char, 128> text{};
  if (file == nullptr || std::fgets(text.data(), text.size(), file) == nullptr) violate("cannot read /proc/self/statm");
  std::fclose(file);
  char* second = text.data();  // behind the size of all
  (void)std::strtol(second, &second, 10);
  return std::strtol(second, nullptr, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

}  // namespace trestle::conform
