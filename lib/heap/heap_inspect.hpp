// Heap: everything that looks and does not serve: check, walk, stats, and what can be told of a faulty pointer.
#pragma once

#include "heap/heap.hpp"

namespace trestle {

// A pointer that no span in use claims: into a free span, into the region's untouched part, or nowhere of ours.
template <Policy P, Os O>
Verdict Heap<P, O>::classify(const void* payload) noexcept {
  const Guard guard(spans_.lock());
  Region<O>* const region = spans_.region_of(payload);
  if (region == nullptr) return {FaultKind::wild_pointer, payload};
  SpanDescriptor* span = nullptr;
  while ((span = region->next(span)) != nullptr) {
    if (payload >= region->end_of(*span)) continue;
    const bool was_block = span->state == SpanState::free && is_aligned(payload, kMinAlignment);
    return {was_block ? FaultKind::double_free : FaultKind::not_a_block, payload};
  }
  return {region->is_tiled() ? FaultKind::not_a_block : FaultKind::descriptor_corrupt, payload};
}

template <Policy P, Os O>
void Heap<P, O>::check(CheckLevel level, FaultSink& sink) noexcept {
  const Alone alone(slots_);
  const Guard zero_guard(zero_.lock());
  const typename BlockTier<P, O>::Alone alone_in_blocks(blocks_);
  const Guard spans_guard(spans_.lock());
  spans_.check(sink);
  const SlabTally slots = check_slabs(level, sink);
  blocks_.check(level, slots, sink);
  if (level == CheckLevel::full) large_.check(sink);
}

// I19: a slab's record is about the span that leads to it. I20: what the slab checks of itself.
template <Policy P, Os O>
void check_slab(const SlotRecord<P, O>& record, const SpanRef<O>& ref, CheckLevel level, FaultSink& sink,
                SlabTally& tally) noexcept {
  const SlabLayout& layout = record.slab.layout();
  if (layout.base == ref.start() && layout.bytes <= ref.bytes() && record.home != nullptr)
    return record.slab.check(level, sink, tally);
  sink.add({.kind = FaultKind::descriptor_corrupt,
            .address = &record,
            .block = ref.start(),
            .expected = address_of(ref.start()),
            .found = address_of(layout.base)});
}

// What the slabs' slots are, and that the tiers counted as many.
template <Policy P, Os O>
SlabTally Heap<P, O>::check_slabs(CheckLevel level, FaultSink& sink) const noexcept {
  SlabTally slots;
  SlabTally addresses;
  const std::size_t before = sink.count();
  const bool whole = for_each_sound_span([&](const SpanRef<O>& ref) {
    if (ref.span->state == SpanState::slots) check_slab(slots_.record_in(ref), ref, level, sink, slots);
    if (ref.span->state == SpanState::addresses) check_slab(zero_.record_of(ref), ref, level, sink, addresses);
    return true;
  });
  if (!whole || sink.count() != before) return slots;  // counts of half a heap tell nothing
  slots_.check_counts(sink, slots);
  const std::uint64_t live = zero_.counts().allocations - zero_.counts().deallocations;
  if (live != addresses.used_slots) {  // I9
    sink.add(
        {.kind = FaultKind::accounting_mismatch, .address = &zero_, .expected = addresses.used_slots, .found = live});
  }
  return slots;
}

template <Policy P, Os O>
bool Heap<P, O>::walk(BlockVisitor visitor) noexcept {
  const Alone alone(slots_);
  const Guard zero_guard(zero_.lock());
  const typename BlockTier<P, O>::Alone alone_in_blocks(blocks_);
  const Guard spans_guard(spans_.lock());
  const bool small = for_each_sound_span([&](const SpanRef<O>& ref) {
    switch (ref.span->state) {
      case SpanState::blocks:
        return blocks_.arena_in(ref).walk_extent(Arena<P, O>::extent_in(ref), visitor);
      case SpanState::slots:
        return slots_.record_in(ref).slab.walk(visitor);
      case SpanState::addresses:
        return zero_.walk(ref, visitor);
      default:
        return true;
    }
  });
  return small && large_.walk(visitor);
}

// Calls visit(SpanRef) for every span up to one whose descriptor is unsound, until it answers false. False: it did, or the
// tiling is broken.
template <Policy P, Os O>
template <class Visit>
bool Heap<P, O>::for_each_sound_span(Visit visit) const noexcept {
  return spans_.for_each_region([&](Region<O>& region) {
    for (SpanDescriptor* span = region.next(nullptr); span != nullptr; span = region.next(span)) {
      if (!visit(SpanRef<O>{&region, span, false})) return false;
    }
    return region.is_tiled();
  });
}

template <Policy P, Os O>
template <class Visit>
void Heap<P, O>::for_each_mapping(Visit visit) const noexcept {
  const auto* const itself = reinterpret_cast<const std::byte*>(this);
  visit(itself, itself + sizeof *this);
  records_.for_each_mapping(visit);
  spans_.for_each_region([&](const Region<O>& region) {
    region.for_each_mapping(visit);
    return true;
  });
}

template <Policy P, Os O>
template <class Visit>
void Heap<P, O>::for_each_span(Visit visit) noexcept {
  spans_.for_each_region([&](Region<O>& region) {
    for (SpanDescriptor* span = region.next(nullptr); span != nullptr; span = region.next(span))
      visit(*span, region.start_of(*span));
    return true;
  });
}

template <Policy P, Os O>
bool Heap<P, O>::trim(std::size_t keep) noexcept {
  bool any = slots_.trim();
  {
    const Guard zero_guard(zero_.lock());
    any = zero_.trim() || any;
  }
  any = blocks_.trim() || any;
  const Guard spans_guard(spans_.lock());
  return spans_.trim(keep) || any;
}

template <Policy P, Os O>
trestle_stats Heap<P, O>::stats() noexcept {
  const Alone alone(slots_);
  const Guard zero_guard(zero_.lock());
  const typename BlockTier<P, O>::Alone alone_in_blocks(blocks_);
  const Guard spans_guard(spans_.lock());
  const auto blocks = blocks_.counts();
  const auto& large = large_.counts();
  const SpanTally spans = spans_.counts();
  trestle_stats all{};
  const auto slots = slots_.counts();
  const auto& zero = zero_.counts();
  slots_.publish_all();
  blocks_.publish_all();
  all.allocations = blocks.allocations + large_allocations_ + slots.allocations + zero.allocations;
  all.deallocations = blocks.deallocations + large_deallocations_ + slots.deallocations + zero.deallocations;
  all.live_blocks = blocks.blocks.live_blocks + large.live_blocks + slots.allocations - slots.deallocations +
                    zero.allocations - zero.deallocations;
  all.live_bytes = blocks.blocks.live_bytes + large.live_bytes + slots.live_bytes;
  all.peak_live_bytes = live_.most();
  all.retired_blocks = blocks.waiting_blocks + spans.retired_spans;
  all.retired_bytes = blocks.waiting_bytes + spans.retired_bytes;
  all.free_block_bytes = blocks.blocks.free_bytes + free_slot_bytes();
  all.committed_bytes = records_.committed_bytes();
  all.span_bytes = spans.used_bytes;
  all.free_span_bytes = spans.free_bytes;
  all.dirty_span_bytes = spans.dirty_bytes;
  all.purges = spans_.purges();
  spans_.for_each_region([&](const Region<O>& region) {
    all.committed_bytes += region.committed_bytes();
    all.reserved_bytes += region.reserved_bytes();
    return true;
  });
  return all;
}

// Of slots that rest in their slabs, or were never handed out.
template <Policy P, Os O>
std::uint64_t Heap<P, O>::free_slot_bytes() const noexcept {
  std::uint64_t sum = 0;
  for_each_sound_span([&](const SpanRef<O>& ref) {
    if (ref.span->state != SpanState::slots) return true;
    const Slab<P>& slab = slots_.record_in(ref).slab;
    sum += slab.available() * slab.slot_size();
    return true;
  });
  return sum;
}

template <Policy P, Os O>
std::uint64_t Heap<P, O>::offset_of(const void* at) const noexcept {
  const Region<O>* const region = spans_.region_of(at);
  return region == nullptr ? UINT64_MAX : address_of(at) - address_of(region->base());
}

template <Policy P, Os O>
Fault Heap<P, O>::explain(const Verdict& verdict, const void* given) noexcept {
  Fault fault{.kind = verdict.kind, .address = verdict.at};
  const Alone alone(slots_);
  const Guard zero_guard(zero_.lock());
  const typename BlockTier<P, O>::Alone alone_in_blocks(blocks_);
  const Guard spans_guard(spans_.lock());
  SpanRef<O> ref = spans_.find(verdict.at);  // which may be in another span than the pointer given
  if (ref.is_empty()) ref = spans_.find(given);
  if (ref.is_empty()) return fault;
  if (ref.span->state == SpanState::large || ref.span->state == SpanState::retired) {
    large_.explain(ref, fault);
  } else if (ref.span->state == SpanState::blocks) {
    blocks_.arena_in(ref).explain(Arena<P, O>::extent_in(ref), static_cast<const std::byte*>(given), fault);
  } else if (ref.span->state == SpanState::slots) {
    const bool is_below_given =
        verdict.kind == FaultKind::write_before_start && ref.start() <= given && given < ref.end();
    slots_.record_in(ref).slab.explain(is_below_given ? given : verdict.at, fault);
  } else if (ref.span->state == SpanState::addresses) {
    zero_.record_of(ref).slab.explain(given, fault);
    fault.served = 0;
  }
  return fault;
}

template <Policy P, Os O>
bool Heap<P, O>::is_mendable_in(const SpanRef<O>& ref, const std::byte* at) noexcept {
  if (ref.is_empty()) return false;
  if (ref.span->state == SpanState::slots) return slots_.record_in(ref).slab.is_mendable(at);
  if (ref.span->state == SpanState::blocks) return blocks_.arena_in(ref).is_mendable(Arena<P, O>::extent_in(ref), at);
  return P.canary && ref.span->state == SpanState::large;
}

template <Policy P, Os O>
bool Heap<P, O>::is_mendable(const Fault& fault) noexcept {
  if (!is_about_bytes(fault.kind)) return false;
  const Alone alone(slots_);
  const typename BlockTier<P, O>::Alone alone_in_blocks(blocks_);
  const Guard spans_guard(spans_.lock());
  return is_mendable_in(spans_.find(fault.address), static_cast<const std::byte*>(fault.address));
}

template <Policy P, Os O>
bool Heap<P, O>::mend(const Fault& fault) noexcept {
  if (!is_about_bytes(fault.kind)) return false;
  const Alone alone(slots_);
  const typename BlockTier<P, O>::Alone alone_in_blocks(blocks_);
  const Guard spans_guard(spans_.lock());
  const SpanRef<O> ref = spans_.find(fault.address);
  const auto* const at = static_cast<const std::byte*>(fault.address);
  if (!is_mendable_in(ref, at)) return false;
  if (ref.span->state == SpanState::slots)
    mend_slot(slots_.record_in(ref).slab, at);
  else if (ref.span->state == SpanState::blocks)
    blocks_.arena_in(ref).mend(Arena<P, O>::extent_in(ref), at);
  else
    large_.mend(ref);
  return true;
}

// What the tier has counted and no pad proves any more are the requests of the pads that prove nothing. One of them is now as
// long as its slot allows; how long it was is sure if it is the last, so that the count is right when all are mended.
template <Policy P, Os O>
void Heap<P, O>::mend_slot(Slab<P>& slab, const std::byte* at) noexcept {
  if (!slab.mend(at)) return;
  typename Slab<P>::Told told;
  (void)for_each_sound_span([&](const SpanRef<O>& ref) {
    if (ref.span->state == SpanState::slots) slots_.record_in(ref).slab.add_told(told);
    return true;
  });
  const std::size_t now = slab.slot_size() - Slab<P>::kLeastPad;
  const std::uint64_t missing = slots_.counts().live_bytes - (told.bytes - now);
  const std::uint64_t before = told.untold == 0 ? missing : std::min<std::uint64_t>(missing - told.untold, now);
  slots_.correct_live_bytes(now - before);
}

template <Policy P, Os O>
bool Heap<P, O>::is_alone(const void* payload) noexcept {
  const Guard guard(spans_.lock());
  const SpanRef<O> ref = spans_.find(payload);
  if (ref.is_empty() || (ref.span->state != SpanState::large && ref.span->state != SpanState::retired)) return false;
  return Large<P, O>::view(ref).payload == payload;
}

// A span of blocks ends with a guard page; the slots of no bytes are never accessible, nor is what no span has.
template <Policy P, Os O>
Fault Heap<P, O>::explain_access(const void* at) noexcept {
  Fault fault{.kind = FaultKind::none, .address = at};
  const Guard zero_guard(zero_.lock());
  const Guard spans_guard(spans_.lock());
  const SpanRef<O> ref = spans_.find(at);
  if (ref.is_empty()) {
    if (ref.region != nullptr) fault.kind = FaultKind::wild_access;
  } else if (ref.span->state == SpanState::large || ref.span->state == SpanState::retired) {
    large_.explain_access(ref, fault);
  } else if (ref.span->state == SpanState::addresses) {
    zero_.explain_access(ref, fault);
  } else if (ref.span->state == SpanState::blocks && P.guard_pages && at >= ref.end() - kOsPage) {
    fault.kind = FaultKind::access_past_end;
  }
  return fault;
}

template <Policy P, Os O>
void Heap<P, O>::lock_all() noexcept {
  slots_.keep_closed();
  zero_.lock().keep();
  blocks_.keep();
  spans_.lock().keep();
}
template <Policy P, Os O>
void Heap<P, O>::unlock_all() noexcept {
  spans_.lock().let_go();
  blocks_.let_go();
  zero_.lock().let_go();
  slots_.let_go();
}
template <Policy P, Os O>
void Heap<P, O>::reset_locks() noexcept {
  spans_.lock().reset();
  blocks_.reset_locks();
  zero_.lock().reset();
  slots_.reset();
}

}  // namespace trestle
