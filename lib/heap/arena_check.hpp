// Arena: what a check sees of one.
#pragma once

#include "heap/arena.hpp"

namespace trestle {

// I16: every entry of the quarantine and the shelf is a retired block or slot, and there are as many of them, of as many bytes.
template <Policy P, Os O>
bool Arena<P, O>::check(CheckLevel level, FaultSink& sink) const noexcept {
  BlockTally tally;
  bool whole = true;
  spans_->for_each_region([&](const Region<O>& region) {
    for (SpanDescriptor* span = region.next(nullptr); span != nullptr; span = region.next(span)) {
      if (!is_own(*span)) continue;
      const SpanRef<O> ref{const_cast<Region<O>*>(&region), span, false};
      whole = this->check_extent(extent_in(ref), level, sink, tally) && whole;
    }
    return true;
  });
  if (!whole) return false;  // counts of half a heap tell nothing
  this->check_bins(sink, tally);
  this->check_counts(sink, tally);
  const std::uint64_t waiting = tally.retired_blocks + waiting_slots_;
  if (retired_blocks() != waiting || retired_bytes() != tally.retired_bytes + waiting_slot_bytes_) {
    sink.add({.kind = FaultKind::quarantine_corrupt,
              .address = &quarantine_,
              .expected = waiting,
              .found = retired_blocks()});
    return false;
  }
  return true;
}

template <Policy P, Os O>
void Arena<P, O>::check_waiting(FaultSink& sink) const noexcept {
  const auto require_retired = [&](const void* payload) {
    if (payload == nullptr || is_retired(payload)) return;
    sink.add({.kind = FaultKind::quarantine_corrupt, .address = payload, .expected = 1, .found = 0});
  };
  for (std::size_t i = 0; i < quarantine_.count(); ++i) require_retired(quarantine_.at(i));
  for (const Shelf::Entry& entry : shelf_.places()) require_retired(entry.payload);
}

// Whether a retired slot or block starts there. A check asks, so the slab is found by its span's sealed descriptor and not by
// the record that the region names.
template <Policy P, Os O>
bool Arena<P, O>::is_retired(const void* payload) const noexcept {
  const SpanRef<O> ref = spans_->find(payload);
  if (!ref.is_empty() && ref.span->state == SpanState::slots) return record_of_span<P>(ref).slab.is_retired(payload);
  const std::byte* const at = header_under(payload);
  const std::optional<Header> header = extent_of(at).holds(at, kMinBlock) ? this->load(at) : std::nullopt;
  return header && header->is_retired();
}

}  // namespace trestle
