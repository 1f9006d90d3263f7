// The stack as the C library has it, to be held against ours.
#pragma once

#include <execinfo.h>

#include <array>
#include <cstddef>

namespace trestle {

using LibraryStack = std::array<void*, 200>;

// How many of `all` it wrote. Its first call allocates: one from a signal handler must not be that.
inline std::size_t stack_by_library(LibraryStack& all) {
  return static_cast<std::size_t>(backtrace(all.data(), static_cast<int>(all.size())));
}
inline void prepare_library_stacks() {
  LibraryStack unused{};
  (void)stack_by_library(unused);
}

}  // namespace trestle
