// Heap: freed blocks that wait until no pointer leads to them any more. Whether one does others know.
#pragma once

#include "heap/heap.hpp"

namespace trestle {

// A quarter, as of MarkUs (Ainsworth and Jones, 2020).
template <Policy P, Os O>
bool Heap<P, O>::expect_sweep(std::size_t bytes_read) noexcept {
  constexpr std::size_t kPart = 4;
  constexpr std::size_t kLeast = std::size_t{16} << 20;
  constexpr std::size_t kMost = std::size_t{1} << 30;
  const typename BlockTier<P, O>::Alone alone_in_blocks(blocks_);
  slots_.set_waiting(blocks_.expect_sweep(std::clamp(bytes_read / kPart, kLeast, kMost)) || P.slots_quarantined);
  const Guard spans_guard(spans_.lock());
  large_.expect_sweep();
  return !blocks_.lacks_room();
}

template <Policy P, Os O>
void Heap<P, O>::expect_no_sweep() noexcept {
  const typename BlockTier<P, O>::Alone alone_in_blocks(blocks_);
  slots_.set_waiting(P.slots_quarantined);
  blocks_.expect_no_sweep();
  const Guard spans_guard(spans_.lock());
  large_.expect_no_sweep();
}

template <Policy P, Os O>
template <class MayGo>
Verdict Heap<P, O>::sweep(MayGo may_go, std::uint64_t& swept) noexcept {
  const Verdict verdict = blocks_.sweep(may_go, swept);
  const Guard spans_guard(spans_.lock());
  swept += spans_.sweep_retired([&](const SpanRef<O>& ref) { return may_go(Large<P, O>::view(ref).payload); });
  return verdict;
}

}  // namespace trestle
