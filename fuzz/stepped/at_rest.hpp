// Whether nobody is inside of a heap, by its own locks: asked where steps are none, and compiled without access control.
#pragma once

#include <algorithm>

#include "ops/heap_books.hpp"

namespace trestle::stepped {

[[nodiscard]] inline bool is_free(const Mutex& mutex) { return mutex.word_.load(std::memory_order_relaxed) == 0; }

// Every mutex is free and no thread is in its own cache: a check would wait for nobody.
template <class H>
[[nodiscard]] bool is_at_rest(H& heap) {
  if (!std::ranges::all_of(heap.blocks_.arenas_, [](const auto& arena) { return is_free(arena.lock_); }) ||
      !is_free(heap.zero_.lock_) || !is_free(heap.spans_.lock_) || !is_free(heap.slots_.caches_lock_) ||
      !is_free(heap.records_.lock_)) {
    return false;
  }
  bool at_rest = true;
  ops::for_each_cache(heap, [&](auto& cache) { at_rest = at_rest && !cache.gate.is_entered(); });
  for (const auto& depots : heap.slots_.depots_) {
    auto* const there = static_cast<typename std::decay_t<decltype(heap.slots_)>::Depots*>(depots);
    if (there == nullptr) continue;
    at_rest = at_rest && std::ranges::all_of(there->of_class, [](const auto& depot) { return is_free(depot.lock_); });
  }
  return at_rest;
}

}  // namespace trestle::stepped
