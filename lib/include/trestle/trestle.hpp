// Trestle: a hardened malloc that checks itself. The C++ interface; trestle.h has the C one and the types.
#pragma once

#include <trestle/trestle.h>

#include <cstddef>
#include <span>
#include <string>
#include <trestle/bitmap_heap.hpp>
#include <trestle/block_heap.hpp>
#include <trestle/resource.hpp>
#include <type_traits>

namespace trestle {

// Checks the heap of the process: see trestle_heap_check. Returns the number of faults; fills in the first ones.
[[nodiscard]] inline std::size_t heap_check(std::span<trestle_fault> room = {}) noexcept {
  return trestle_heap_check(room.data(), room.size());
}

// Calls `visit(const trestle_block&)` for every block of the process's heap until it returns false. `visit` runs under
// the heap's locks: it must not allocate, free or throw. Returns false iff `visit` ended the walk. Cost: O(blocks).
template <class Visit>
bool walk(Visit&& visit) noexcept {
  const auto call = [](const trestle_block* at, void* context) -> int {
    return (*static_cast<std::remove_reference_t<Visit>*>(context))(*at) ? 0 : 1;
  };
  return trestle_walk(call, const_cast<void*>(static_cast<const volatile void*>(&visit))) == 0;
}

[[nodiscard]] inline trestle_stats stats() noexcept {
  trestle_stats all;
  trestle_get_stats(&all);
  return all;
}

[[nodiscard]] inline std::string stats_json() {
  char text[1024];  // longer than the object with every number at its largest
  trestle_stats_json(text, sizeof text);
  return text;
}

}  // namespace trestle
