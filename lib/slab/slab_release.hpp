// Slab: what a pointer is, whether its pad and what lies below it are whole, and its release. Each question is asked twice: on
// the hot path by a bool, and of whatever fails there again, by a function that says what is wrong and where.
#pragma once

#include "slab/slab.hpp"

namespace trestle {

template <Policy P>
inline bool Slab<P>::try_release(void* payload, const Release& how, Rest rest, std::size_t& requested) noexcept {
  const Place place = place_of(payload);
  if (!is_sound_release(place, payload, how, requested)) [[unlikely]]
    return false;
  free(place.index, static_cast<std::byte*>(payload), rest);
  return true;
}
template <Policy P>
template <bool kBeside>
Vetted Slab<P>::release(void* payload, const Release& how, Rest rest) noexcept {
  const Place place = place_of(payload);
  const Vetted seen = vet_release<kBeside>(place, payload, how);
  if (!seen.is_fault()) [[likely]]
    free(place.index, static_cast<std::byte*>(payload), rest);
  return seen;
}
template <Policy P>
inline void Slab<P>::free(std::uint32_t index, std::byte* slot, Rest rest) noexcept {
  layout_.states[index] = SlotState::free(rest, false);
  if constexpr (P.poison) fill_steps(slot, poisoned(), P.poison_byte);
}

// What a pointer is that is no live block's.
template <Policy P>
FaultKind Slab<P>::kind_of_stray(const Place& place) const noexcept {
  if (place.index >= carved_) return FaultKind::not_a_block;
  const SlotState state = state_of(place.index);
  if (!place.exact) return state.is_fresh() ? FaultKind::not_a_block : FaultKind::interior_pointer;
  return state.is_fresh() ? FaultKind::not_a_block : FaultKind::double_free;
}

template <Policy P>
inline bool Slab<P>::is_pad_whole(std::byte* slot, std::size_t& requested) const noexcept {
  requested = slot_size_;
  if constexpr (P.canary) return canary_of(slot).is_whole(requested);
  return true;
}
template <Policy P>
Verdict Slab<P>::vet_pad(std::byte* slot, std::size_t& requested) const noexcept {
  if (is_pad_whole(slot, requested)) [[likely]]
    return {};
  const std::byte* const wrong = canary_of(slot).broken(requested);  // null: its owner has just been changing it
  return wrong == nullptr ? Verdict{} : Verdict{FaultKind::write_past_end, wrong};
}

// The 16 bytes just below a slot are its left neighbour's: pad or poison. Where they lie in another cache line, and the policy
// does not look there, the neighbour's own free and heap_check see them.
template <Policy P>
inline bool Slab<P>::is_whole_below(std::uint32_t index, std::byte* slot) const noexcept {
  constexpr std::size_t kCacheLine = 64;
  if (index == 0 || (!P.far_neighbour && is_aligned(slot, kCacheLine))) return true;
  if (state_of(index - 1).is_used()) return canary_of(slot - slot_size_).is_end_whole();
  return is_poison_below(slot);
}
template <Policy P>
inline bool Slab<P>::is_poison_below(const std::byte* slot) const noexcept {
  if constexpr (P.poison) {
    if (poisoned() < slot_size_) return true;
    assert_readable(slot - kSlotStep, kSlotStep);
    const std::uint64_t wanted = repeated(P.poison_byte);  // of which it may be made just now
    return ((load_beside_owner(slot - 16) ^ wanted) | (load_beside_owner(slot - 8) ^ wanted)) == 0;
  }
  return true;
}
// Where a pad begins whole and ends broken, it was not its owner who went too far, but ours who began too early.
template <Policy P>
Verdict Slab<P>::vet_below(std::uint32_t index, std::byte* slot) const noexcept {
  if (is_whole_below(index, slot)) [[likely]]
    return {};
  std::byte* const left = slot - slot_size_;
  if (!state_of(index - 1).is_used()) {
    if (is_poison_below(slot)) return {};
    const std::byte* wrong = slot - kSlotStep;
    while (wrong != slot && load_byte_beside_owner(wrong) == P.poison_byte) ++wrong;
    return {FaultKind::write_before_start, wrong};
  }
  std::size_t requested = 0;
  const Verdict v = vet_pad(left, requested);
  if (!v.is_fault()) return v;
  const bool begins_whole = requested != SlotCanary::kNone && v.at != left + requested;
  return {begins_whole ? FaultKind::write_before_start : FaultKind::write_past_end, v.at};
}

template <Policy P>
Vetted Slab<P>::vet(const void* payload) const noexcept {
  const Place place = place_of(payload);
  if (!place.exact || !state_of(place.index).is_used()) [[unlikely]]
    return {{kind_of_stray(place), payload}};
  std::size_t requested = 0;
  const Verdict v = vet_pad(slot_at(place.index), requested);
  return {v, requested};
}

template <Policy P>
Verdict Slab<P>::vet_retired(const void* payload) const noexcept {
  if (!is_retired(payload)) [[unlikely]]
    return {FaultKind::quarantine_corrupt, payload};
  if constexpr (P.poison) {
    const std::byte* const wrong = first_other(static_cast<const std::byte*>(payload), poisoned(), P.poison_byte);
    if (wrong != nullptr) [[unlikely]]
      return {FaultKind::write_after_free, wrong};
  }
  return {};
}

template <Policy P>
inline FaultKind Slab<P>::false_claim(const Release& how, const void* payload, SlotState state,
                                      std::size_t requested) const noexcept {
  if constexpr (P.sized_free_checked) {
    static_assert(P.canary, "without a canary nothing tells the size");
    if (how.size != Release::kNoClaim && how.size != requested) [[unlikely]]
      return FaultKind::size_mismatch;
    if (how.alignment != 0 && !is_aligned(payload, how.alignment)) [[unlikely]]
      return FaultKind::alignment_mismatch;
  }
  if constexpr (P.kind_checked) {
    if (how.kind != Kind::none && how.kind != state.kind()) [[unlikely]]
      return FaultKind::kind_mismatch;
  }
  return FaultKind::none;
}

template <Policy P>
inline bool Slab<P>::is_sound_release(const Place& place, void* payload, const Release& how,
                                      std::size_t& requested) const noexcept {
  const SlotState state = state_of(place.index);  // read once: another thread may be freeing it as well
  if (!place.exact || !state.is_used()) [[unlikely]]
    return false;
  auto* const slot = static_cast<std::byte*>(payload);
  if (!is_pad_whole(slot, requested)) [[unlikely]]
    return false;
  if constexpr (P.canary) {
    if (!is_whole_below(place.index, slot)) [[unlikely]]
      return false;
  }
  return false_claim(how, payload, state, requested) == FaultKind::none;
}
// The same, saying what is wrong.
template <Policy P>
template <bool kBeside>
Vetted Slab<P>::vet_release(const Place& place, void* payload, const Release& how) const noexcept {
  const SlotState state = state_of(place.index);
  if (!place.exact || !state.is_used()) return {{kind_of_stray(place), payload}};
  auto* const slot = static_cast<std::byte*>(payload);
  std::size_t requested = 0;
  if (const Verdict v = vet_pad(slot, requested); v.is_fault()) return {v};
  if constexpr (P.canary && kBeside) {
    if (const Verdict v = vet_below(place.index, slot); v.is_fault()) return {v};
  }
  if (const FaultKind claim = false_claim(how, payload, state, requested); claim != FaultKind::none)
    return {{claim, payload}};
  return {{}, requested};
}

}  // namespace trestle
