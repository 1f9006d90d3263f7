// Heap: free, in each tier.
#pragma once

#include "heap/heap.hpp"

namespace trestle {

template <Policy P, Os O>
Verdict Heap<P, O>::deallocate(void* payload, const Release& how) noexcept {
  if (payload == nullptr) return {};
  if (SlotRecordOf* const record = slots_.record_of(payload)) [[likely]]
    return deallocate_slot(*record, payload, how);
  const SpanRef<O> ref = find_span(payload);
  return ref.is_empty() ? classify(payload) : deallocate_in(ref, payload, how);
}

template <Policy P, Os O>
Verdict Heap<P, O>::deallocate_slot(SlotRecordOf& record, void* payload, const Release& how) noexcept {
  const bool waits = slots_.are_waiting();
  const std::uint32_t arena = waits ? slots_.own_arena() : 0;
  if (waits) {
    if (const Verdict v = blocks_.make_room(record.slab.slot_size(), arena); v.is_fault()) [[unlikely]]
      return v;
  }
  return slots_.deallocate(record, payload, how, waits,
                           [&] { return blocks_.quarantine_slot(record, payload, arena); });
}

template <Policy P, Os O>
Verdict Heap<P, O>::deallocate_in(const SpanRef<O>& ref, void* payload, const Release& how) noexcept {
  if (ref.span->state == SpanState::addresses) {
    const Guard guard(zero_.lock());
    if (!zero_.still_serves(ref)) [[unlikely]]
      return {FaultKind::double_free, payload};
    return zero_.deallocate(zero_.record_of(ref), payload, how);
  }
  if (ref.span->state == SpanState::blocks) [[likely]] {
    std::uint64_t frees = 0;
    const Verdict v = blocks_.deallocate(ref, payload, how, frees);
    if (!v.is_fault() && frees % kFreesPerLook == 0) [[unlikely]]
      purge_old();
    return v;
  }
  const Guard guard(spans_.lock());
  if (ref.span->state != SpanState::large && ref.span->state != SpanState::retired) [[unlikely]] {
    return {is_aligned(payload, kMinAlignment) ? FaultKind::double_free : FaultKind::not_a_block, payload};
  }
  const Verdict v = large_.deallocate(ref, payload, how);
  if (!v.is_fault()) [[likely]] {
    ++large_deallocations_;
    note_large();
  }
  return v;
}

}  // namespace trestle
