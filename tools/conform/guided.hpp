// `trestle conform --fuzz`: op programs on a library for so long, led by its own coverage where it is instrumented.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "conform/kit.hpp"

namespace trestle::tool {

struct GuidedRequest {
  std::size_t seconds = 0;
  std::size_t runs = 0;               // programs at most; 0: as many as there is time for
  std::optional<std::uint32_t> seed;  // nothing: another one each time
  std::string corpus;                 // a directory that is kept; empty: none
};

// Prints what was done, and of a program that fails, where its bytes are kept and what it is in C. True iff none failed.
[[nodiscard]] bool fuzz_library(const GuidedRequest& request, const ConformKit& kit, const Allocator& allocator);

}  // namespace trestle::tool
