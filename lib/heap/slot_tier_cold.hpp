// SlotTier: its start and end, batches, what is done alone, and counts.
#pragma once

#include "heap/slot_tier.hpp"

namespace trestle {

template <Policy P, Os O>
void SlotTier<P, O>::start(SpanHeap<O>& spans, RecordPool<O>& records, LiveBytes& live, const Key& key,
                           std::uint64_t random, const SlotConfig& config) noexcept {
  Gate::prepare();
  id_ = unique_number();
  spans_ = &spans;
  records_ = &records;
  live_ = &live;
  key_ = key;
  random_ = random;
  sample_random_ = split_mix(random_);
  config_ = config;
  config_.arenas = std::clamp<std::size_t>(config.arenas, 1, kMaxArenas);
  limit_ = align_down(std::min(config.limit, P.largest_slot), kSlotStep);
  most_hot_ = limit_ != 0 ? limit_ - Slab<P>::kLeastPad : 0;
  hot_id_ = id_;
  set_waiting(P.slots_quarantined);
}

template <Policy P, Os O>
void SlotTier<P, O>::stop() noexcept {
  caches_ = nullptr;
  threads_ = closed_ = 0;
  alone_ = {};
  depots_ = {};
  id_ = hot_id_ = kNobody;
  set_waiting(P.slots_quarantined);
  sample_ = 0;
}

// ---- batches ----

// A slot for the caller, and more for its magazine. Null: memory is short.
template <Policy P, Os O>
void* SlotTier<P, O>::refill(Cache& cache, SizeClass size_class) noexcept {
  Magazine<P>& magazine = cache.magazine(size_class);
  Depot<P, O>& depot = static_cast<Depots*>(depots_[cache.arena])->of_class[size_class.index];
  if (!depot.lock().try_lock()) {
    ++cache.contended;
    depot.lock().lock();
  }
  const std::size_t count = depot.take(magazine.empty_half());
  depot.lock().unlock();
  magazine.filled(count, are_waiting(), cache.random);
  magazine.grow();
  look_for_idle(cache);
  return magazine.pop();
}

template <Policy P, Os O>
void SlotTier<P, O>::spill(Cache& cache, SizeClass size_class) noexcept {
  Magazine<P>& magazine = cache.magazine(size_class);
  const std::span<void*> slots = magazine.older_half();
  give_all(slots);
  magazine.dropped(slots.size());
  magazine.grow();
  look_for_idle(cache);
}

template <Policy P, Os O>
void SlotTier<P, O>::bring_home(Magazine<P>& magazine, std::span<void*> first) noexcept {
  if (first.empty()) return;
  give_all(first);
  magazine.arrived(first.size());
}

// Each slot goes to the depot that its slab came from, a lock for each run of slots of one depot.
template <Policy P, Os O>
void SlotTier<P, O>::give_all(std::span<void*> slots) noexcept {
  for (std::size_t i = 0; i < slots.size();) {
    Record* record = record_of(slots[i]);
    Depot<P, O>& home = *record->home;
    const Guard guard(home.lock());
    for (; record->home == &home; record = record_of(slots[i])) {
      home.give(*record, slots[i]);
      if (++i == slots.size()) break;
    }
  }
}

// True iff there was anything.
template <Policy P, Os O>
bool SlotTier<P, O>::empty(Cache& cache) noexcept {
  bool any = false;
  for (std::uint8_t i = 0; i < kSizeClasses; ++i) {
    Magazine<P>& magazine = cache.magazine({i});
    any = any || !magazine.ready().empty() || !magazine.waiting().empty() || !magazine.homebound().empty();
    give_all(magazine.ready());
    magazine.dropped(magazine.ready().size());
    give_all(magazine.waiting());
    magazine.drop_waiting();
    bring_home(magazine, magazine.homebound());
  }
  publish(cache);
  return any;
}

// Every so many batches: what was not needed since the last look is given up by half, what has waited long enough arrives at
// home, and a thread that often found another in its way moves on to the next arena.
template <Policy P, Os O>
void SlotTier<P, O>::look_for_idle(Cache& cache) noexcept {
  publish(cache);
  if (++cache.batches < kBatchesPerLook) return;
  cache.batches = 0;
  for (std::uint8_t i = 0; i < kSizeClasses; ++i) {
    Magazine<P>& magazine = cache.magazine({i});
    const std::span<void*> idle = magazine.idle();
    if (!idle.empty()) {
      give_all(idle);
      magazine.dropped(idle.size());
    }
    bring_home(magazine, magazine.arriving());
    magazine.begin_look();
  }
  const auto next = static_cast<std::uint32_t>((cache.arena + 1) % config_.arenas);
  if (cache.contended >= kPatience && depots_[next] != nullptr) cache.arena = next;
  cache.contended = 0;
  const Guard guard(spans_->lock());
  spans_->purge_old(os_.now_ms());
}

template <Policy P, Os O>
void SlotTier<P, O>::publish(Cache& cache) noexcept {
  const std::uint64_t now = cache.live_bytes();
  live_->add(now - cache.published_bytes);
  cache.published_bytes = now;
}
template <Policy P, Os O>
void SlotTier<P, O>::publish_all() noexcept {
  for (Cache* cache = caches_; cache != nullptr; cache = cache->next) publish(*cache);
}

// ---- alone ----

template <Policy P, Os O>
Allocation SlotTier<P, O>::allocate_alone(SizeClass size_class, std::size_t size, Kind kind) noexcept {
  const Alone alone(*this);
  Depots* const all = depots(0);
  if (all == nullptr) return {};
  Depot<P, O>& depot = all->of_class[size_class.index];
  const Guard guard(depot.lock());
  void* slot = nullptr;
  if (depot.take({&slot, 1}) == 0) return {};
  Record& record = *record_of(slot);
  const Allocation made = record.slab.serve(slot, size, kind);
  if (made.is_fault()) [[unlikely]] {
    depot.give(record, slot);
    return made;
  }
  const std::size_t bytes = counted(size, size_class);
  ++alone_.allocations;
  alone_.live_bytes += bytes;
  live_->add(bytes);
  return made;
}

template <Policy P, Os O>
template <class Quarantine>
Verdict SlotTier<P, O>::deallocate_alone(Record& record, void* payload, const Release& how, bool waits,
                                         Quarantine quarantine) noexcept {
  const Alone alone(*this);
  const Rest rest = waits ? Rest::quarantine : Rest::magazine;
  const Vetted released = is_in_own_gate() ? record.slab.template release<false>(payload, how, rest)
                                           : record.slab.release(payload, how, rest);
  if (released.is_fault()) [[unlikely]]
    return released;
  const std::size_t bytes = counted(released.requested, record.slab.layout().size_class);
  ++alone_.deallocations;
  alone_.live_bytes -= bytes;
  live_->add(-bytes);
  if (waits) return quarantine();
  const Guard guard(record.home->lock());
  record.home->give(record, payload);
  return {};
}

template <Policy P, Os O>
bool SlotTier<P, O>::trim() noexcept {
  const Alone alone(*this);
  bool any = false;
  for (Cache* cache = caches_; cache != nullptr; cache = cache->next) {
    // The caller's own is entered, so that no signal's handler uses it meanwhile; or was, where the caller is such a handler,
    // and may be half way through a batch.
    const bool is_own = cache->owner == os_.thread();
    if (is_own && !cache->gate.try_enter_slowly()) continue;
    any = empty(*cache) || any;
    if (is_own) cache->gate.leave();
  }
  for (Depots* const all : depots_) {
    if (all == nullptr) continue;
    for (Depot<P, O>& depot : all->of_class) {
      const Guard guard(depot.lock());
      any = depot.trim() || any;
    }
  }
  return any;
}

template <Policy P, Os O>
auto SlotTier<P, O>::counts() const noexcept -> Counts {
  Counts sum = alone_;
  for (const Cache* cache = caches_; cache != nullptr; cache = cache->next) {
    sum.allocations += cache->allocations();
    sum.deallocations += cache->deallocations();
    sum.live_bytes += cache->live_bytes();
  }
  return sum;
}

// ---- check ----

// I21: as many slots rest in magazines as the slabs say, and the used ones are those counted.
template <Policy P, Os O>
void SlotTier<P, O>::check_counts(FaultSink& sink, const SlabTally& tally) const noexcept {
  std::uint64_t cached = 0;
  for (Cache* cache = caches_; cache != nullptr; cache = cache->next) {
    for (std::uint8_t i = 0; i < kSizeClasses; ++i) {
      Magazine<P>& magazine = cache->magazine({i});
      cached += magazine.ready().size() + magazine.waiting().size() + magazine.homebound().size();
    }
  }
  const auto mismatch = [&](std::uint64_t expected, std::uint64_t found) {
    sink.add({.kind = FaultKind::accounting_mismatch, .address = this, .expected = expected, .found = found});
  };
  if (cached != tally.cached_slots) mismatch(tally.cached_slots, cached);
  const Counts all = counts();
  if (all.allocations - all.deallocations != tally.used_slots)
    mismatch(tally.used_slots, all.allocations - all.deallocations);
  if (all.live_bytes != tally.used_bytes) mismatch(tally.used_bytes, all.live_bytes);
}

}  // namespace trestle
