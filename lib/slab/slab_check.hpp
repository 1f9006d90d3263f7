// Slab: everything that looks and does not serve. States, free bits and counts are three views of the same slots.
#pragma once

#include "slab/slab.hpp"

namespace trestle {

template <Policy P>
void Slab<P>::check(CheckLevel level, FaultSink& sink, SlabTally& tally) const noexcept {
  SlabTally own;
  for (std::uint32_t index = 0; index < carved_; ++index) check_slot(index, level, sink, own);
  for (std::uint32_t index = carved_; index < slots_; ++index) {
    if (state_of(index) == SlotState{} && !is_resting(index)) continue;
    sink.add({.kind = FaultKind::descriptor_corrupt,
              .address = slot_at(index),
              .expected = 0,
              .found = state_of(index).bits()});
  }
  if (own.resting_slots != resting_)
    sink.add({.kind = FaultKind::accounting_mismatch,
              .address = layout_.base,
              .expected = own.resting_slots,
              .found = resting_});
  tally.used_slots += own.used_slots;
  tally.used_bytes += own.used_bytes;
  tally.resting_slots += own.resting_slots;
  tally.cached_slots += own.cached_slots;
  tally.retired_slots += own.retired_slots;
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
    if (level == CheckLevel::full) check_poison(index, sink);
    return;
  }
  ++tally.used_slots;
  std::size_t requested = 0;
  const Verdict v = vet_pad(index, requested);
  if (v.is_fault()) {
    Fault fault{.kind = v.kind, .address = v.at};
    explain(slot_at(index), fault);
    fault.found = std::to_integer<std::uint64_t>(*static_cast<const std::byte*>(v.at));
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
      if (vet_pad(index, view.requested).is_fault()) view.requested = 0;
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
  if (!state_of(place.index).is_used()) return;
  if constexpr (P.canary) {
    const std::size_t requested = canary_of(place.index).requested();
    if (requested != SlotCanary::kNone) fault.requested = requested;
  }
}

}  // namespace trestle
