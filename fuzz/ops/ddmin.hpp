// Delta debugging: the smallest part of a failing sequence that still fails, to the removal of any one piece.
// A. Zeller, R. Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE TSE 28(2), 2002, algorithm ddmin.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "ops/program.hpp"

namespace trestle::ops {

// `items` without the piece [first, last).
template <class Item>
[[nodiscard]] std::vector<Item> without(const std::vector<Item>& items, std::size_t first, std::size_t last) {
  std::vector<Item> rest(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(first));
  rest.insert(rest.end(), items.begin() + static_cast<std::ptrdiff_t>(last), items.end());
  return rest;
}

// `fails(items)` is true. Returns a part of them, in order, of which no single item can be left out. Calls `fails`
// O(n^2) times at worst, O(log n) at best.
template <class Item, class Fails>
[[nodiscard]] std::vector<Item> ddmin(std::vector<Item> items, Fails&& fails) {
  std::size_t pieces = 2;
  while (!items.empty()) {
    pieces = std::min(pieces, items.size());
    bool reduced = false;
    for (std::size_t piece = 0; piece < pieces && !reduced; ++piece) {
      std::vector<Item> rest = without(items, items.size() * piece / pieces, items.size() * (piece + 1) / pieces);
      if (!fails(rest)) continue;
      items = std::move(rest);
      pieces = std::max<std::size_t>(pieces - 1, 2);
      reduced = true;
    }
    if (reduced) continue;
    if (pieces == items.size()) break;
    pieces *= 2;
  }
  return items;
}

// The program with as few ops as still fail under `fails(program)`.
template <class Fails>
[[nodiscard]] Program shrink(const Program& program, Fails&& fails) {
  const auto still = [&](const std::vector<Op>& ops) { return fails(Program{program.stage, ops}); };
  return Program{program.stage, ddmin(program.ops, still)};
}

}  // namespace trestle::ops
