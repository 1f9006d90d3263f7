// Heap: which requests are samples. Of those that slots serve the tier of the slots knows; here are the blocks.
#pragma once

#include "heap/heap.hpp"

namespace trestle {

template <Policy P, Os O>
void Heap<P, O>::set_sample(std::uint64_t every) noexcept {
  constexpr std::size_t kMoreWaiting = 1024;  // freed spans
  slots_.set_sample(every);
  blocks_to_sample_ = slots_.next_sample(sample_seed_);
  const Guard guard(spans_.lock());
  large_.set_quarantine(P.large_quarantine_spans + (slots_.takes_samples() ? kMoreWaiting : 0));
}

template <Policy P, Os O>
bool Heap<P, O>::takes_block_sample(std::size_t size, std::size_t alignment) noexcept {
  if (!slots_.takes_samples() || size == 0 || !arena_.serves(size, alignment)) return false;
  const std::uint64_t left = blocks_to_sample_;
  if (left != 0) {
    blocks_to_sample_ = left - 1;
    return false;
  }
  blocks_to_sample_ = slots_.next_sample(sample_seed_);
  return true;
}

}  // namespace trestle
