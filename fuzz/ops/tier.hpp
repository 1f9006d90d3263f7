// Where in a heap a block lies, and what of it is poison once it is freed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/engine.hpp"
#include "base/policy.hpp"
#include "block/header.hpp"

namespace trestle::ops {

// What a payload is served from, and so what lies around it.
enum class Tier : std::uint8_t {
  block,    // a header before it
  slot,     // another slot before it and behind it
  unit,     // units of a page, which are poison to the last byte once they are free
  address,  // nothing that can be read
  large,    // a span of its own
};

// Of a retired or free block's payload, the bytes that read as poison for sure.
struct Poisoned {
  std::size_t from;
  std::size_t bytes;
};
inline Poisoned poisoned_part(const BlockView& block, Tier tier, const Policy& policy) {
  if (tier == Tier::unit) return {0, policy.poison ? block.served : 0};
  if (tier != Tier::block && tier != Tier::slot) return {0, 0};
  const bool free = tier == Tier::block && block.state == BlockState::free;
  const std::size_t from = free ? kLinkBytes : 0;
  const std::size_t to = std::min({block.served - (free ? kFooterBytes : 0), policy.poison ? policy.poison_limit : 0});
  return {from, to > from ? to - from : 0};
}

}  // namespace trestle::ops
