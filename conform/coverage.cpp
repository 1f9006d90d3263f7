#include "coverage.hpp"

#include <algorithm>
#include <cstring>

namespace trestle::conform {
namespace {

struct Counters {
  std::uint8_t* first;
  std::uint8_t* last;
};

// Told before this program's own constructors run, and maybe from several objects.
constexpr std::size_t kMostObjects = 64;
constinit Counters objects[kMostObjects] = {};
constinit std::size_t object_count = 0;

void add_object(std::uint8_t* first, std::uint8_t* last) noexcept {
  const auto is_known = [&](const Counters& one) { return one.first == first; };
  if (first == last || object_count == kMostObjects || std::any_of(objects, objects + object_count, is_known)) return;
  objects[object_count++] = {first, last};
}

}  // namespace

std::size_t count_edges() noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < object_count; ++i) count += static_cast<std::size_t>(objects[i].last - objects[i].first);
  return count;
}

void forget_edges() noexcept {
  for (std::size_t i = 0; i < object_count; ++i)
    std::memset(objects[i].first, 0, static_cast<std::size_t>(objects[i].last - objects[i].first));
}

void copy_edges(std::uint8_t* to, std::size_t bytes) noexcept {
  std::memset(to, 0, bytes);
  std::size_t at = 0;
  for (std::size_t i = 0; i < object_count; ++i) {
    for (const std::uint8_t* edge = objects[i].first; edge != objects[i].last; ++edge, ++at)
      to[at % bytes] = static_cast<std::uint8_t>(std::max(to[at % bytes], *edge));
  }
}

}  // namespace trestle::conform

// What clang's instrumentation may call, as far as -fsanitize=fuzzer-no-link asks for it: https://clang.llvm.org/docs/
// SanitizerCoverage.html. Only the counters are of use; compared values are no part of an op program's bytes.
#define TRESTLE_FOR_LIBRARY extern "C" __attribute__((visibility("default")))

TRESTLE_FOR_LIBRARY void __sanitizer_cov_8bit_counters_init(std::uint8_t* first, std::uint8_t* last) {
  trestle::conform::add_object(first, last);
}
TRESTLE_FOR_LIBRARY void __sanitizer_cov_pcs_init(const std::uintptr_t*, const std::uintptr_t*) {}
TRESTLE_FOR_LIBRARY void __sanitizer_cov_trace_cmp1(std::uint8_t, std::uint8_t) {}
TRESTLE_FOR_LIBRARY void __sanitizer_cov_trace_cmp2(std::uint16_t, std::uint16_t) {}
TRESTLE_FOR_LIBRARY void __sanitizer_cov_trace_cmp4(std::uint32_t, std::uint32_t) {}
TRESTLE_FOR_LIBRARY void __sanitizer_cov_trace_cmp8(std::uint64_t, std::uint64_t) {}
TRESTLE_FOR_LIBRARY void __sanitizer_cov_trace_const_cmp1(std::uint8_t, std::uint8_t) {}
TRESTLE_FOR_LIBRARY void __sanitizer_cov_trace_const_cmp2(std::uint16_t, std::uint16_t) {}
TRESTLE_FOR_LIBRARY void __sanitizer_cov_trace_const_cmp4(std::uint32_t, std::uint32_t) {}
TRESTLE_FOR_LIBRARY void __sanitizer_cov_trace_const_cmp8(std::uint64_t, std::uint64_t) {}
TRESTLE_FOR_LIBRARY void __sanitizer_cov_trace_switch(std::uint64_t, std::uint64_t*) {}
TRESTLE_FOR_LIBRARY void __sanitizer_cov_trace_div4(std::uint32_t) {}
TRESTLE_FOR_LIBRARY void __sanitizer_cov_trace_div8(std::uint64_t) {}
TRESTLE_FOR_LIBRARY void __sanitizer_cov_trace_gep(std::uintptr_t) {}
TRESTLE_FOR_LIBRARY void __sanitizer_cov_trace_pc_indir(std::uintptr_t) {}
// The lowest address that the thread's stack has reached, which the instrumented code itself keeps.
extern "C" {
__attribute__((visibility("default"))) thread_local std::uintptr_t __sancov_lowest_stack = 0;
}
