// Which cache a thread has, and how others keep all threads out of theirs.
#pragma once

#include <new>

#include "heap/slot_tier.hpp"

namespace trestle {

template <Policy P, Os O>
auto SlotTier<P, O>::enter_slowly(OwnCache& own) noexcept -> Cache* {
  for (;;) {
    if (own.heap == id_) {
      auto* const cache = static_cast<Cache*>(own.cache);
      if (cache->gate.try_enter_slowly()) return cache;
      if (cache->gate.is_entered()) return nullptr;  // by this thread itself, before a signal interrupted it
      const Guard guard(caches_lock_);               // whoever closed the gate has opened it again by then
    } else if (own.cache == this || !adopt(own)) {
      return nullptr;
    }
  }
}

template <Policy P, Os O>
void SlotTier<P, O>::choose_sample(Magazine<P>& magazine) noexcept {
  magazine.sample_at = takes_samples() ? magazine.taken + next_sample(sample_random_) : UINT64_MAX;
}

template <Policy P, Os O>
void SlotTier<P, O>::choose_samples(Cache& cache) noexcept {
  cache.for_each_magazine([&](Magazine<P>& magazine) { choose_sample(magazine); });
  cache.blocks_to_sample = next_sample(sample_random_);
}

template <Policy P, Os O>
void SlotTier<P, O>::set_sample(std::uint64_t every) noexcept {
  const Alone alone(*this);
  sample_ = P.sampled ? std::min(every, UINT64_MAX / 4) : 0;
  for (Cache* cache = caches_; cache != nullptr; cache = cache->next) choose_samples(*cache);
}

template <Policy P, Os O>
bool SlotTier<P, O>::takes_sample(std::size_t size, std::size_t alignment) noexcept {
  if (!takes_samples()) return false;
  Cache* const cache = enter();
  if (cache == nullptr) [[unlikely]]
    return false;
  Magazine<P>& magazine = cache->magazine(Slab<P>::class_of(size, alignment));
  const bool due = magazine.is_sample_due();
  if (due) choose_sample(magazine);
  cache->gate.leave();
  return due;
}

template <Policy P, Os O>
bool SlotTier<P, O>::takes_block_sample() noexcept {
  if (!takes_samples()) return false;
  Cache* const cache = enter();
  if (cache == nullptr) [[unlikely]]
    return false;
  const bool takes = cache->blocks_to_sample == 0;
  cache->blocks_to_sample = takes ? next_sample(sample_random_) : cache->blocks_to_sample - 1;
  cache->gate.leave();
  return takes;
}

// False: there is no memory for a cache.
template <Policy P, Os O>
bool SlotTier<P, O>::adopt(OwnCache& own) noexcept {
  {
    const Guard guard(caches_lock_);
    Cache* const cache = find_cache();
    if (cache == nullptr) return false;
    cache->owner = os_.thread();
    cache->gate.open();  // it is closed where the forking thread, which keeps the others out, gets one that nobody had
    own = {id_, cache};
  }
  if (config_.thread_began != nullptr) config_.thread_began();
  return true;
}

// The cache that the thread had when it last used this heap, or one that nobody has, or a new one. Needs the caches lock.
template <Policy P, Os O>
auto SlotTier<P, O>::find_cache() noexcept -> Cache* {
  Cache* idle = nullptr;
  for (Cache* cache = caches_; cache != nullptr; cache = cache->next) {
    if (cache->owner == os_.thread()) return cache;
    if (cache->owner == 0) idle = cache;
  }
  if (idle != nullptr) return idle;
  const auto arena = static_cast<std::uint32_t>(threads_ % config_.arenas);
  std::byte* const place = depots(arena) != nullptr ? records_->allocate(os_, Cache::bytes()) : nullptr;
  if (place == nullptr) return nullptr;
  auto* const made = new (place) Cache;
  made->start(split_mix(random_));
  choose_samples(*made);
  made->arena = arena;
  made->next = caches_;
  caches_ = made;
  ++threads_;
  return made;
}

// Needs the caches lock where they are not there yet. Null: no memory.
template <Policy P, Os O>
auto SlotTier<P, O>::depots(std::uint32_t arena) noexcept -> Depots* {
  if (Depots* const there = depots_[arena]) return there;
  std::byte* const place = records_->allocate(os_, sizeof(Depots));
  if (place == nullptr) return nullptr;
  auto* const made = new (place) Depots;
  for (std::uint8_t i = 0; i < kSizeClasses; ++i)
    made->of_class[i].start(*spans_, *records_, key_, {i}, static_cast<std::uint8_t>(arena));
  depots_[arena] = made;
  return made;
}

template <Policy P, Os O>
void SlotTier<P, O>::leave_thread() noexcept {
  OwnCache& own = os_.own_cache();
  if (own.heap != id_) return;
  auto* const cache = static_cast<Cache*>(own.cache);
  if (enter() != cache) return;
  (void)empty(*cache);
  cache->gate.leave();
  own = {0, this};
  const Guard guard(caches_lock_);
  cache->owner = 0;
}

// A signal's handler that interrupted its thread inside of its gate waits for nobody who is waiting for that gate. Whether one
// does takes a while to be sure of, since it may just have seen the gate empty.
template <Policy P, Os O>
void SlotTier<P, O>::lock_caches() noexcept {
  constexpr int kYields = 100;
  constexpr int kLooks = 2000;
  constexpr long kBetweenLooks = 1'000'000;  // nanoseconds
  if (!is_in_own_gate() || caches_lock_.is_kept_by_caller()) return caches_lock_.lock();
  const Gate& own = static_cast<Cache*>(os_.own_cache().cache)->gate;
  for (int tries = 0, awaited = 0; !caches_lock_.try_lock(); ++tries) {
    if (caches_lock_.is_held_by_caller()) Mutex::end_reentered();
    if (tries < kYields) {
      yield_processor();
      continue;
    }
    awaited = own.is_awaited() ? awaited + 1 : 0;
    if (awaited == kLooks) Mutex::end_reentered();
    sleep_for(kBetweenLooks);
  }
}

template <Policy P, Os O>
void SlotTier<P, O>::close() noexcept {
  lock_caches();
  if (closed_++ != 0) return;
  bool any = false;
  for (Cache* cache = caches_; cache != nullptr; cache = cache->next) {
    if (cache->owner == os_.thread()) continue;
    cache->gate.close();
    any = any || cache->owner != 0;
  }
  if (!any) return;  // nobody else has a cache: there is nobody to wait for
  Gate::await_owners();
  for (Cache* cache = caches_; cache != nullptr; cache = cache->next) {
    if (cache->owner != os_.thread()) cache->gate.await_empty();
  }
}

template <Policy P, Os O>
void SlotTier<P, O>::open() noexcept {
  if (--closed_ == 0) {
    for (Cache* cache = caches_; cache != nullptr; cache = cache->next) cache->gate.open();
  }
  caches_lock_.unlock();
}

// Around fork: closed, while the forking thread goes on using its own cache.
template <Policy P, Os O>
void SlotTier<P, O>::keep_closed() noexcept {
  caches_lock_.keep();
  close();
}
template <Policy P, Os O>
void SlotTier<P, O>::let_go() noexcept {
  open();
  caches_lock_.let_go();
}

// In the child, which has the one thread that forked: the caches of the others are there for new ones.
template <Policy P, Os O>
void SlotTier<P, O>::reset() noexcept {
  closed_ = 0;
  for (Cache* cache = caches_; cache != nullptr; cache = cache->next) {
    if (cache->owner != os_.thread()) cache->owner = 0;
    cache->gate.reset();
  }
  caches_lock_.reset();
}

template <Policy P, Os O>
bool SlotTier<P, O>::is_entered_by_caller() noexcept {
  return is_in_own_gate() || caches_lock_.is_held_by_caller();
}

}  // namespace trestle
