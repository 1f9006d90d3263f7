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
  const Guard arena_guard(arena_.lock());
  const Guard spans_guard(spans_.lock());
  spans_.check(sink);
  arena_.check(level, sink);
  if (level == CheckLevel::full) large_.check(sink);
}

template <Policy P, Os O>
bool Heap<P, O>::walk(BlockVisitor visitor) noexcept {
  const Guard arena_guard(arena_.lock());
  const Guard spans_guard(spans_.lock());
  const bool blocks = spans_.for_each_region([&](Region<O>& region) {
    SpanDescriptor* span = nullptr;
    while ((span = region.next(span)) != nullptr) {
      if (span->state != SpanState::blocks) continue;
      if (!arena_.walk_extent(Arena<P, O>::extent_in({&region, span, false}), visitor)) return false;
    }
    return true;
  });
  return blocks && large_.walk(visitor);
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
  const Guard arena_guard(arena_.lock());
  const bool blocks = arena_.trim();
  const Guard spans_guard(spans_.lock());
  return spans_.trim(keep) || blocks;
}

template <Policy P, Os O>
trestle_stats Heap<P, O>::stats() noexcept {
  const Guard arena_guard(arena_.lock());
  const Guard spans_guard(spans_.lock());
  const BlockTally& blocks = arena_.counts();
  const auto& large = large_.counts();
  const SpanTally spans = spans_.counts();
  trestle_stats all{};
  all.allocations = block_allocations_ + large_allocations_;
  all.deallocations = block_deallocations_ + large_deallocations_;
  all.live_blocks = blocks.live_blocks + large.live_blocks;
  all.live_bytes = blocks.live_bytes + large.live_bytes;
  all.peak_live_bytes = peak_bytes_;
  all.retired_blocks = blocks.retired_blocks + large.retired_blocks;
  all.retired_bytes = blocks.retired_bytes + spans.retired_bytes;
  all.free_block_bytes = blocks.free_bytes;
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

template <Policy P, Os O>
std::uint64_t Heap<P, O>::offset_of(const void* at) const noexcept {
  const Region<O>* const region = spans_.region_of(at);
  return region == nullptr ? UINT64_MAX : address_of(at) - address_of(region->base());
}

template <Policy P, Os O>
Fault Heap<P, O>::explain(const Verdict& verdict, const void* given) noexcept {
  Fault fault{.kind = verdict.kind, .address = verdict.at};
  const Guard arena_guard(arena_.lock());
  const Guard spans_guard(spans_.lock());
  SpanRef<O> ref = spans_.find(verdict.at);  // which may be in another span than the pointer given
  if (ref.is_empty()) ref = spans_.find(given);
  if (ref.is_empty()) return fault;
  if (ref.span->state == SpanState::large || ref.span->state == SpanState::retired) {
    large_.explain(ref, fault);
  } else if (ref.span->state == SpanState::blocks) {
    arena_.explain(Arena<P, O>::extent_in(ref), static_cast<const std::byte*>(given), fault);
  }
  return fault;
}

template <Policy P, Os O>
void Heap<P, O>::lock_all() noexcept {
  arena_.lock().keep();
  spans_.lock().keep();
}
template <Policy P, Os O>
void Heap<P, O>::unlock_all() noexcept {
  spans_.lock().let_go();
  arena_.lock().let_go();
}
template <Policy P, Os O>
void Heap<P, O>::reset_locks() noexcept {
  spans_.lock().reset();
  arena_.lock().reset();
}

}  // namespace trestle
