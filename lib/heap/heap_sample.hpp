// Heap: which requests are samples. Of those that slots serve the tier of the slots knows; here are the blocks.
#pragma once

#include "heap/heap.hpp"

namespace trestle {

template <Policy P, Os O>
void Heap<P, O>::set_sample(std::uint64_t every, std::uint64_t below) noexcept {
  constexpr std::size_t kMoreWaiting = 1024;  // freed spans
  slots_.set_sample(every);
  samples_below_ = below;
  const Guard guard(spans_.lock());
  large_.set_quarantine(P.large_quarantine_spans + (slots_.takes_samples() ? kMoreWaiting : 0));
}

template <Policy P, Os O>
bool Heap<P, O>::takes_block_sample(std::size_t size, std::size_t alignment) noexcept {
  return slots_.takes_samples() && size != 0 && blocks_.serves(size, alignment) && slots_.takes_block_sample();
}

template <Policy P, Os O>
GuardAt Heap<P, O>::guard_of_sample() noexcept {
  const std::uint64_t below = samples_below_;
  if (below == 0) return GuardAt::end;
  std::uint64_t state = sample_seed_.add(kOdd1);
  return random_below(state, below) == 0 ? GuardAt::start : GuardAt::end;
}

}  // namespace trestle
