// Slab: everything that looks and does not serve. States, free bits and counts are three views of the same slots (I20).
#pragma once

#include "slab/slab.hpp"

namespace trestle {

template <Policy P>
void Slab<P>::check(CheckLevel level, FaultSink& sink, SlabTally& tally) const noexcept {
  if (!is_cut_by_its_class() || carved_ > slots_ || resting_ > carved_) {  // so that nothing is followed too far
    sink.add({.kind = FaultKind::descriptor_corrupt,
              .address = layout_.base,
              .served = slot_size_,
              .expected = slots_,
              .found = carved_});
    return;
  }
  SlabTally own;
  for (std::uint32_t index = 0; index < carved_; ++index) check_slot(index, level, sink, own);
  check_uncarved(sink);
  if (own.resting_slots != resting_)
    sink.add({.kind = FaultKind::accounting_mismatch,
              .address = layout_.base,
              .expected = own.resting_slots,
              .found = resting_});
  tally += own;
}

template <Policy P>
bool Slab<P>::is_cut_by_its_class() const noexcept {
  if (layout_.size_class.index >= kSizeClasses) return false;
  const std::size_t size = slot_bytes(layout_.size_class);
  return slot_size_ == size && reciprocal_ == reciprocal_of(size) && slots_ == layout_.bytes / size;
}

// Nothing is known of a slot that was never carved, and none of them rests here.
template <Policy P>
void Slab<P>::check_uncarved(FaultSink& sink) const noexcept {
  const std::uint32_t carved = carved_;
  const auto* const states = reinterpret_cast<const std::byte*>(layout_.states);
  if (const std::byte* const wrong = first_other(states + carved, slots_ + 1 - carved, 0)) {
    sink.add({.kind = FaultKind::descriptor_corrupt,
              .address = slot_at(static_cast<std::uint32_t>(wrong - states)),
              .expected = 0,
              .found = std::to_integer<std::uint64_t>(*wrong)});
  }
  for (std::uint32_t word = carved / kWordBits; word * kWordBits < slots_; ++word) {
    const std::uint32_t first = word * kWordBits;
    const std::uint64_t known = carved > first ? (std::uint64_t{1} << (carved - first)) - 1 : 0;
    if ((layout_.free_bits[word] & ~known) == 0) continue;
    sink.add({.kind = FaultKind::descriptor_corrupt,
              .address = slot_at(first),
              .expected = layout_.free_bits[word] & known,
              .found = layout_.free_bits[word]});
  }
}

template <Policy P>
void Slab<P>::check_slot(std::uint32_t index, CheckLevel level, FaultSink& sink, SlabTally& tally) const noexcept {
  const SlotState state = state_of(index);
  const bool rests_here = !state.is_used() && state.rest() == Rest::slab;
  if (!state.is_legal() || rests_here != is_resting(index)) {
    sink.add({.kind = FaultKind::descriptor_corrupt,
              .address = slot_at(index),
              .served = slot_size_,
              .expected = is_resting(index) ? SlotState::free(Rest::slab, false).bits() : 0U,
              .found = state.bits()});
    return;
  }
  if (!state.is_used()) {
    ++(state.rest() == Rest::slab       ? tally.resting_slots
       : state.rest() == Rest::magazine ? tally.cached_slots
                                        : tally.retired_slots);
    if (state.rest() == Rest::quarantine) tally.retired_bytes += slot_size_;
    if (level == CheckLevel::full) check_poison(index, sink);
    return;
  }
  ++tally.used_slots;
  std::size_t requested = 0;
  const Verdict v = vet_pad(slot_at(index), requested);
  if (v.is_fault()) {
    Fault fault{.kind = v.kind, .address = v.at};
    explain(slot_at(index), fault);
    sink.add(fault);
    return;
  }
  tally.used_bytes += requested;
}

template <Policy P>
void Slab<P>::check_poison(std::uint32_t index, FaultSink& sink) const noexcept {
  if constexpr (!P.poison) return;
  const std::byte* const wrong = first_other(slot_at(index), poisoned(), P.poison_byte);
  if (wrong == nullptr) return;
  sink.add({.kind = FaultKind::write_after_free,
            .address = wrong,
            .block = slot_at(index),
            .served = slot_size_,
            .expected = P.poison_byte,
            .found = std::to_integer<std::uint64_t>(*wrong)});
}

template <Policy P>
bool Slab<P>::walk(BlockVisitor visitor) const noexcept {
  for (std::uint32_t index = 0; index < carved_; ++index) {
    const SlotState state = state_of(index);
    if (!state.is_legal()) return false;
    BlockView view{.payload = slot_at(index), .served = slot_size_, .kind = state.kind()};
    if (state.is_used()) {
      view.state = BlockState::live;
      if (vet_pad(slot_at(index), view.requested).is_fault()) view.requested = 0;
    } else if (state.rest() == Rest::quarantine) {
      view.state = BlockState::retired;
    }
    if (!visitor(view)) return false;
  }
  return true;
}

template <Policy P>
void Slab<P>::explain(const void* at, Fault& fault) const noexcept {
  const Place place = place_of(at);
  if (place.index >= carved_) return;
  fault.block = slot_at(place.index);
  fault.served = slot_size_;
  if (!state_of(place.index).is_used()) {
    if (fault.kind != FaultKind::write_after_free) return;
    fault.expected = P.poison_byte;
    fault.found = std::to_integer<std::uint64_t>(*static_cast<const std::byte*>(fault.address));
    return;
  }
  if constexpr (P.canary) {
    std::size_t requested = 0;
    (void)canary_of(slot_at(place.index)).broken(requested);
    if (requested == SlotCanary::kNone) return;
    fault.requested = requested;
    const auto* const wrong = static_cast<const std::byte*>(fault.address);
    const std::byte* const slot = slot_at(place.index);
    if (wrong < slot + requested || wrong >= slot + slot_size_) return;
    fault.expected = canary_of(slot_at(place.index)).expected_at(wrong, requested);
    fault.found = std::to_integer<std::uint64_t>(*wrong);
  }
}

template <Policy P>
bool Slab<P>::is_mendable(const void* at) const noexcept {
  const Place place = place_of(at);
  if (place.index >= carved_ || !state_of(place.index).is_legal()) return false;
  return state_of(place.index).is_used() ? P.canary : P.poison;
}

template <Policy P>
bool Slab<P>::mend(const void* at) noexcept {
  const std::uint32_t index = place_of(at).index;
  std::byte* const slot = slot_at(index);
  if (!state_of(index).is_used()) {
    if constexpr (P.poison) fill_others(slot, poisoned(), P.poison_byte);
    return false;
  }
  const std::size_t proven = P.canary ? canary_of(slot).proven() : 0;
  const bool is_lengthened = P.canary && proven == SlotCanary::kNone;
  if constexpr (P.canary) canary_of(slot).mend(is_lengthened ? slot_size_ - kLeastPad : proven);
  return is_lengthened;
}

template <Policy P>
void Slab<P>::add_told(Told& told) const noexcept {
  for (std::uint32_t index = 0; index < carved_; ++index) {
    if (!state_of(index).is_used()) continue;
    const std::size_t requested = P.canary ? canary_of(slot_at(index)).proven() : slot_size_;
    const bool is_told = requested != SlotCanary::kNone;
    told.bytes += is_told ? requested : 0;
    told.untold += is_told ? 0 : 1;
  }
}

}  // namespace trestle
