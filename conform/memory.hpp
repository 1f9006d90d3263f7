// How much memory this process has.
#pragma once

#include <unistd.h>

#include <cstdio>

#include "case.hpp"

namespace trestle::conform {

// KiB, by what the system counts.
inline long resident_kib() {
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  long total = 0;
  long resident = 0;
  if (file == nullptr || std::fscanf(file, "%ld %ld", &total, &resident) != 2) violate("cannot read /proc/self/statm");
  std::fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

}  // namespace trestle::conform
