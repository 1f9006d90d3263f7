// What a heap keeps about itself out of band, beside its spans' records, and recounts at every check: for those who overwrite
// it. The heap shows none of it, so who includes this is compiled without access control.
//
//   table   which span each granule belongs to, as far as the granule is in use or ends its span, and whose slab's record
//   books   counts, bins, lists by age, how long the blocks on the shelf are; of slabs their place and length, what they are
//           cut into, the states of their slots, the bits of those that rest, their counts; of threads how many slots they
//           have and what they counted
// Left out are the words that a check starts from: where the regions and their tables lie and how far they reach, the keys,
// the locks, the limits, where a slab's states and bits lie, where a magazine's slots lie. So are the entries of the
// quarantine's ring, of its shelf and of magazines: a check sees that one of the first two is no retired block's, not whose it
// is, and of the last only how many there are.
#pragma once

#include <cstddef>
#include <type_traits>

#include "heap/heap.hpp"

namespace trestle::ops {

template <class T, class Visit>
void visit_bytes_of(T& object, Visit& visit) {
  visit(reinterpret_cast<std::byte*>(&object), sizeof object);
}
template <class Bins, class Visit>
void visit_bins(Bins& bins, Visit& visit) {
  visit_bytes_of(bins.first_, visit);
  visit_bytes_of(bins.second_, visit);
}

template <class H, class Visit>
void for_each_table_range(H& heap, Visit visit) {
  heap.spans_.for_each_region([&](auto& region) {
    for (SpanDescriptor* span = region.next(nullptr); span != nullptr; span = region.next(span)) {
      std::uint32_t* const heads = region.heads_ + span->first.count;
      for (std::uint32_t i = 0; i < span->length.count; ++i)
        if (span->is_in_use() || i == 0 || i + 1 == span->length.count) visit_bytes_of(heads[i], visit);
      for (std::uint32_t i = 0; i < span->length.count; ++i)
        visit_bytes_of(region.records_[span->first.count + i], visit);
    }
    return true;
  });
}

// Calls visit(slab) for each, whichever tier it is of.
template <class H, class Visit>
void for_each_slab(H& heap, Visit visit) {
  heap.for_each_sound_span([&](const auto& ref) {
    if (ref.span->state == SpanState::slots) visit(heap.slots_.record_in(ref).slab);
    if (ref.span->state == SpanState::addresses) visit(heap.zero_.record_of(ref).slab);
    return true;
  });
}
template <class H, class Visit>
void for_each_cache(H& heap, Visit visit) {
  using Cache = typename std::decay_t<decltype(heap.slots_)>::Cache;
  for (auto* cache = static_cast<Cache*>(heap.slots_.caches_); cache != nullptr; cache = cache->next) visit(*cache);
}
template <class S, class Visit>
void visit_slab(S& slab, Visit& visit) {
  visit_bytes_of(slab.layout_.base, visit);
  visit_bytes_of(slab.layout_.bytes, visit);
  visit_bytes_of(slab.layout_.size_class, visit);
  visit_bytes_of(slab.slot_size_, visit);
  visit_bytes_of(slab.reciprocal_, visit);
  visit_bytes_of(slab.slots_, visit);
  visit(reinterpret_cast<std::byte*>(slab.layout_.states), slab.slots_ + 1);
  const std::size_t words = (slab.slots_ + S::kWordBits - 1) / S::kWordBits;
  visit(reinterpret_cast<std::byte*>(slab.layout_.free_bits), words * sizeof(std::uint64_t));
  visit_bytes_of(slab.slots_, visit);
  visit_bytes_of(slab.carved_, visit);
  visit_bytes_of(slab.resting_, visit);
}

// The slots that each magazine in use has, and the bytes that the thread counted, where the policy has canaries that tell.
template <class H, class C, class Visit>
void visit_cache(C& cache, Visit& visit) {
  if constexpr (H::kPolicy.canary) visit_bytes_of(cache.requested_bytes, visit);
  for (auto& magazine : cache.magazines_) {
    if (magazine.taken == 0 && magazine.given == 0) continue;
    visit_bytes_of(magazine.taken, visit);
    visit_bytes_of(magazine.given, visit);
    visit_bytes_of(magazine.ready_, visit);
    visit_bytes_of(magazine.waiting_, visit);
    visit_bytes_of(magazine.homebound_, visit);
  }
}

template <class H, class Visit>
void for_each_book(H& heap, Visit visit) {
  for_each_slab(heap, [&](auto& slab) { visit_slab(slab, visit); });
  for (auto& arena : heap.blocks_.all()) {
    visit_bytes_of(arena.counts_, visit);
    visit_bins(arena.bins_, visit);
    visit_bytes_of(arena.heads_, visit);
    visit_bytes_of(arena.quarantine_.count_, visit);
    visit_bytes_of(arena.quarantine_.bytes_, visit);
    visit_bytes_of(arena.waiting_slots_, visit);
    visit_bytes_of(arena.waiting_slot_bytes_, visit);
    for (auto& entry : arena.shelf_.places_) visit_bytes_of(entry.bytes, visit);
  }
  visit_bytes_of(heap.slots_.alone_, visit);
  for_each_cache(heap, [&](auto& cache) { visit_cache<H>(cache, visit); });
  visit_bytes_of(heap.zero_.counts_, visit);
  visit_bytes_of(heap.large_.counts_.live_blocks, visit);
  visit_bytes_of(heap.large_.counts_.live_bytes, visit);
  heap.spans_.for_each_region([&](auto& region) {
    visit_bytes_of(region.dirty_, visit);
    visit_bytes_of(region.retired_, visit);
    visit_bytes_of(region.counts_, visit);
    visit_bins(region.bins_, visit);
    visit_bytes_of(region.bin_heads_, visit);
    return true;
  });
}

// Whether the heap follows the byte without a look at what it leads to: the books of the quarantine and of a magazine, and what
// each malloc and free loads of a slab.
template <class H>
bool is_followed_blindly(H& heap, const std::byte* at) {
  const auto holds = [at](const auto* object, std::size_t count) {
    const auto* const first = reinterpret_cast<const std::byte*>(object);
    return at >= first && at < first + count * sizeof *object;
  };
  for (const auto& arena : heap.blocks_.all()) {
    if (holds(&arena.quarantine_, 1)) return true;
  }
  bool followed = false;
  for_each_slab(heap, [&](auto& slab) { followed = followed || holds(&slab, 1); });
  for_each_cache(heap, [&](auto& cache) {
    for (const auto& magazine : cache.magazines_)
      followed =
          followed || holds(&magazine.ready_, 1) || holds(&magazine.waiting_, 1) || holds(&magazine.homebound_, 1);
  });
  if (followed) return true;
  return !heap.spans_.for_each_region([&](auto& region) { return !holds(region.records_, region.frontier().count); });
}

}  // namespace trestle::ops
