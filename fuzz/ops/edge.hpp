// An engine as the shim calls it: the inlined common case first, where the engine has one, and the general path after it.
#pragma once

#include <cstddef>

#include "base/engine.hpp"

namespace trestle::ops {

template <class E>
Allocation allocate_at_edge(E& engine, std::size_t size, std::size_t alignment, Kind kind) {
  if constexpr (requires { engine.allocate_hot(size, kind); }) {
    void* const made = alignment <= kMinAlignment ? engine.allocate_hot(size, kind) : nullptr;
    if (made != nullptr) return {made, FaultKind::none};
  }
  return engine.allocate(size, alignment, kind);
}

template <class E>
Allocation allocate_zeroed_at_edge(E& engine, std::size_t size, Kind kind) {
  if constexpr (requires { engine.allocate_zeroed_hot(size, kind); }) {
    if (void* const made = engine.allocate_zeroed_hot(size, kind)) return {made, FaultKind::none};
  }
  return engine.allocate_zeroed(size, kind);
}

template <class E>
Verdict deallocate_at_edge(E& engine, void* payload, const Release& how) {
  if constexpr (requires { engine.deallocate_hot(payload, how); }) {
    if (engine.deallocate_hot(payload, how) || engine.deallocate_away(payload, how)) return {};
  }
  return engine.deallocate(payload, how);
}

}  // namespace trestle::ops
