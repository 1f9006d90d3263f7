// The small requests: slots of slabs, handed out by a cache of each thread's own, which is filled from and emptied to the
// depots of its arena in batches. Thread-safe, but for start and stop. A thread that has no cache, because memory was short,
// it is about to end, or a signal interrupted it in its cache, is served alone: with every gate closed.
//
// Order: caches lock, gates, zero tier's lock, arena lock of the blocks, depot lock, span lock, record pool's lock. Nobody
// inside a gate waits for an earlier one, but a thread that a signal interrupted there: see enter_slowly.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/marks.hpp"
#include "heap/depot.hpp"
#include "heap/live_bytes.hpp"
#include "heap/thread_cache.hpp"

namespace trestle {

struct SlotConfig {
  std::size_t limit = kMaxSlot;               // slots of so many bytes at most; 0: none
  std::size_t arenas = 1;                     // threads are spread over them
  void (*thread_began)() noexcept = nullptr;  // called in each thread that gets a cache, so that it calls leave_thread
};

template <Policy P, Os O>
class SlotTier {
  static_assert(P.largest_slot <= kMaxSlot && P.largest_slot % kSlotStep == 0);

 public:
  using Record = SlotRecord<P, O>;
  using Cache = ThreadCache<P>;

  constexpr explicit SlotTier(O os) noexcept : os_(os) {}
  void start(SpanHeap<O>& spans, RecordPool<O>& records, LiveBytes& live, const Key& key, std::uint64_t random,
             const SlotConfig& config) noexcept;
  void stop() noexcept;

  [[nodiscard]] bool serves(std::size_t size, std::size_t alignment) const noexcept {
    return size != 0 && size <= Slab<P>::kMaxRequest && align_up(size + Slab<P>::kLeastPad, alignment) <= limit_;
  }
  // The record of the slab that the address lies in; null: in none.
  [[nodiscard]] Record* record_of(const void* at) const noexcept { return static_cast<Record*>(spans_->record_of(at)); }

  // The same of a span in the state slots, from its descriptor, which is sound.
  [[nodiscard]] static Record& record_in(const SpanRef<O>& ref) noexcept { return record_of_span<P>(ref); }

  Allocation allocate(std::size_t size, std::size_t alignment, Kind kind) noexcept;
  // The common case of it and nothing else, all inlined: of the least alignment, from a magazine that is not empty, without a
  // fault. Null: allocate has to see.
  [[gnu::always_inline]] inline void* allocate_hot(std::size_t size, Kind kind) noexcept;
  // The same of deallocate. False: nothing was done.
  [[gnu::always_inline]] inline bool deallocate_hot(void* payload, const Release& how) noexcept {
    return release_hot<false>(payload, how);
  }
  // And the case next to it, that the slot lies in a slab of another arena.
  [[gnu::always_inline]] inline bool deallocate_away(void* payload, const Release& how) noexcept {
    return release_hot<true>(payload, how);
  }
  // From now on one request in about so many is a sample, for which these two do nothing; 0: none. 1: each.
  void set_sample(std::uint64_t every) noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  [[nodiscard]] bool takes_samples() const noexcept { return P.sampled && sample_ != 0; }
  // Requests until the next one that is: evenly so many as make one in `every`. `random`: a state that threads may share.
  [[nodiscard]] std::uint64_t next_sample(Shared<std::uint64_t>& random) const noexcept {
    std::uint64_t state = random.add(kOdd1);
    return takes_samples() ? random_below(state, 2 * sample_ - 1) : 0;
  }
  // Whether the thread's next request of the class may be one.
  [[nodiscard]] bool is_sample_due(std::size_t size, std::size_t alignment) noexcept {
    if (!takes_samples()) return false;
    const OwnCache& own = os_.own_cache();
    return own.heap != id_ ||
           static_cast<Cache*>(own.cache)->magazine(Slab<P>::class_of(size, alignment)).is_sample_due();
  }
  // Whether it is one; the next is chosen then.
  [[nodiscard]] bool takes_sample(std::size_t size, std::size_t alignment) noexcept;
  // Whether the thread's request of a block is one, in the same way.
  [[nodiscard]] bool takes_block_sample() noexcept;
  // Whether the two may serve at all. Not while another thread expects sweeps, or no longer.
  void set_hot(bool hot) noexcept {
    hot_id_ = hot ? id_ : kNobody;
    set_waiting(are_waiting());
  }
  // Whether slots that are freed wait in the quarantine of the blocks: always, where the policy says so, or for sweeps. Then
  // deallocate_hot does nothing. Another thread's release that has begun is as it was.
  void set_waiting(bool waiting) noexcept {
    waiting_ = waiting;
    hot_free_id_.store(waiting ? kNobody : hot_id_, std::memory_order_relaxed);
  }
  [[nodiscard]] bool are_waiting() const noexcept { return P.slots_quarantined || (P.sweep_blocks != 0 && waiting_); }
  // Where it waits, the slot does not rest in a magazine afterwards: `quarantine()` puts it where it rests, before anybody can
  // look.
  template <class Quarantine>
  Verdict deallocate(Record& record, void* payload, const Release& how, bool waits, Quarantine quarantine) noexcept;
  // In its slot. A null payload: that does not fit, and `kept` and `kind` tell what has to move.
  Allocation resize(Record& record, void* payload, std::size_t size, std::size_t& kept, Kind& kind) noexcept;
  Vetted vet(const Record& record, const void* payload) const noexcept { return record.slab.vet(payload); }

  // That of the calling thread, which gets a cache for it if it can; else the first.
  [[nodiscard]] std::uint32_t own_arena() noexcept {
    const OwnCache& own = os_.own_cache();
    if (own.heap != id_) [[unlikely]] {
      Cache* const cache = enter();
      if (cache == nullptr) return 0;
      cache->gate.leave();
    }
    return static_cast<const Cache*>(own.cache)->arena;
  }
  // The calling thread ends: what it has goes to the depots, and what it asks for or frees from now on is served alone.
  void leave_thread() noexcept;
  // What all threads have goes to the depots, and these give back what they can. True iff there was any.
  bool trim() noexcept;

  // While one exists nobody else is in any cache, nor in a depot but under its lock.
  class TRESTLE_SCOPED_CAPABILITY Alone {
   public:
    explicit Alone(SlotTier& tier) noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS : tier_(tier) { tier_.close(); }
    ~Alone() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS { tier_.open(); }
    Alone(const Alone&) = delete;
    Alone& operator=(const Alone&) = delete;

   private:
    SlotTier& tier_;
  };
  void keep_closed() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  void let_go() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  void reset() noexcept;
  [[nodiscard]] bool is_entered_by_caller() noexcept;

  struct Counts {
    std::uint64_t allocations = 0;
    std::uint64_t deallocations = 0;
    std::uint64_t live_bytes = 0;
  };
  [[nodiscard]] Counts counts() const noexcept;
  // Blocks turned out to have so many bytes more than was counted. While all caches are closed.
  void correct_live_bytes(std::uint64_t added) noexcept {
    alone_.live_bytes += added;
    live_->add(added);
  }
  // What the threads have counted becomes known to the heap's count of live bytes. Alone.
  void publish_all() noexcept;
  // Whether caches and counts agree with what all slabs' slots are. Alone.
  void check_counts(FaultSink& sink, const SlabTally& tally) const noexcept;

 private:
  static constexpr std::size_t kMaxArenas = 64;
  static constexpr std::uint32_t kPatience = 32;  // batches in another's way before a thread moves to the next arena
  static constexpr std::uint32_t kBatchesPerLook = 64;

  struct Depots {
    std::array<Depot<P, O>, kSizeClasses> of_class{};
  };

  // The caller's cache, entered; null: it is to be served alone.
  [[nodiscard]] Cache* enter() noexcept {
    OwnCache& own = os_.own_cache();
    if (own.heap == id_) [[likely]] {
      auto* const cache = static_cast<Cache*>(own.cache);
      if (cache->gate.try_enter()) [[likely]]
        return cache;
    }
    return enter_slowly(own);
  }
  [[nodiscard]] Cache* enter_slowly(OwnCache& own) noexcept;
  // Whether the caller, the handler of a signal, has interrupted its thread there.
  [[nodiscard]] bool is_in_own_gate() noexcept {
    const OwnCache& own = os_.own_cache();
    return own.heap == id_ && static_cast<Cache*>(own.cache)->gate.is_entered();
  }
  void choose_sample(Magazine<P>& magazine) noexcept;
  void choose_samples(Cache& cache) noexcept;
  [[nodiscard]] bool adopt(OwnCache& own) noexcept;
  [[nodiscard]] Cache* find_cache() noexcept;
  [[nodiscard]] Depots* depots(std::uint32_t arena) noexcept;
  void lock_caches() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  void close() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  void open() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;

  template <bool kAway>
  [[gnu::always_inline]] inline bool release_hot(void* payload, const Release& how) noexcept;
  Allocation hand_out(Cache& cache, Magazine<P>& magazine, void* slot, std::size_t size, Kind kind) noexcept;
  [[gnu::always_inline]] inline void count_taken(Cache& cache, Magazine<P>& magazine, std::size_t size) noexcept;
  [[gnu::always_inline]] inline void count_given(Cache& cache, Magazine<P>& magazine, std::size_t requested) noexcept;
  [[nodiscard]] void* refill(Cache& cache, SizeClass size_class) noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  void spill(Cache& cache, SizeClass size_class) noexcept;
  void bring_home(Magazine<P>& magazine, std::span<void*> first) noexcept;
  void give_all(std::span<void*> slots) noexcept;
  bool empty(Cache& cache) noexcept;
  void look_for_idle(Cache& cache) noexcept;
  void publish(Cache& cache) noexcept;
  [[gnu::noinline]] Allocation allocate_alone(SizeClass size_class, std::size_t size, Kind kind) noexcept;
  template <class Quarantine>
  [[gnu::noinline]] Verdict deallocate_alone(Record& record, void* payload, const Release& how, bool waits,
                                             Quarantine quarantine) noexcept;

  [[nodiscard]] static constexpr std::size_t counted(std::size_t requested, SizeClass size_class) noexcept {
    return P.canary ? requested : slot_bytes(size_class);
  }

  static constexpr std::uint64_t kNobody = UINT64_MAX;

  [[no_unique_address]] O os_;
  std::uint64_t id_ = kNobody;
  std::uint64_t hot_id_ = kNobody;  // whom allocate_hot serves: those with a cache of this heap, or nobody
  Atomic<std::uint64_t> hot_free_id_{kNobody};
  Shared<bool> waiting_ = P.slots_quarantined;
  Shared<std::uint64_t> sample_;  // one in so many
  Shared<std::uint64_t> sample_random_;
  std::size_t limit_ = 0;
  std::size_t most_hot_ = 0;  // the largest request that allocate_hot serves
  SpanHeap<O>* spans_ = nullptr;
  LiveBytes* live_ = nullptr;
  SlotConfig config_;
  Key key_;
  std::uint64_t random_ = 0;
  RecordPool<O>* records_ = nullptr;
  Mutex caches_lock_;
  std::uint32_t closed_ = 0;   // how often, by the holder of the caches lock
  std::uint32_t threads_ = 0;  // caches made, which is how they are spread
  Cache* caches_ = nullptr;
  Counts alone_;  // of those that were served alone
  std::array<Shared<Depots*>, kMaxArenas> depots_{};
};

template <Policy P, Os O>
Allocation SlotTier<P, O>::allocate(std::size_t size, std::size_t alignment, Kind kind) noexcept {
  const SizeClass size_class = Slab<P>::class_of(size, alignment);
  Cache* const cache = enter();
  if (cache == nullptr) [[unlikely]]
    return allocate_alone(size_class, size, kind);
  Magazine<P>& magazine = cache->magazine(size_class);
  void* slot = magazine.pop();
  if (slot == nullptr) [[unlikely]] {
    slot = refill(*cache, size_class);
    if (slot == nullptr) {
      cache->gate.leave();
      return {};
    }
  }
  const Allocation made = hand_out(*cache, magazine, slot, size, kind);
  cache->gate.leave();
  return made;
}

template <Policy P, Os O>
Allocation SlotTier<P, O>::hand_out(Cache& cache, Magazine<P>& magazine, void* slot, std::size_t size,
                                    Kind kind) noexcept {
  const Allocation made = record_of(slot)->slab.serve(slot, size, kind);
  if (made.is_fault()) [[unlikely]] {
    magazine.put_back(slot);
    return made;
  }
  count_taken(cache, magazine, size);
  return made;
}
template <Policy P, Os O>
inline void SlotTier<P, O>::count_taken(Cache& cache, Magazine<P>& magazine, std::size_t size) noexcept {
  magazine.taken = magazine.taken + 1;
  cache.count_requested(size);
}

template <Policy P, Os O>
inline void* SlotTier<P, O>::allocate_hot(std::size_t size, Kind kind) noexcept {
  const OwnCache& own = os_.own_cache();
  if (size - 1 >= most_hot_ || own.heap != hot_id_) [[unlikely]]
    return nullptr;
  auto& cache = *static_cast<Cache*>(own.cache);
  if (!cache.gate.try_enter()) [[unlikely]]
    return nullptr;
  Magazine<P>& magazine = cache.magazine(class_for(size + Slab<P>::kLeastPad));
  void* slot = magazine.is_sample_due() ? nullptr : magazine.pop();
  if (slot != nullptr) [[likely]] {
    if (record_of(slot)->slab.try_serve(slot, size, kind)) [[likely]] {
      count_taken(cache, magazine, size);
    } else {
      magazine.put_back(slot);
      slot = nullptr;
    }
  }
  cache.gate.leave();
  return slot;
}

template <Policy P, Os O>
template <bool kAway>
inline bool SlotTier<P, O>::release_hot(void* payload, const Release& how) noexcept {
  if constexpr (P.slots_quarantined) return false;
  const OwnCache& own = os_.own_cache();
  if (own.heap != hot_free_id_.load(std::memory_order_relaxed)) [[unlikely]]
    return false;
  Record* const record = static_cast<Record*>(spans_->first_record_of(payload));
  auto& cache = *static_cast<Cache*>(own.cache);
  if (record == nullptr || (record->slab.layout().arena != cache.arena) != kAway || !cache.gate.try_enter())
      [[unlikely]]
    return false;
  Magazine<P>& magazine = cache.magazine(record->slab.layout().size_class);
  bool done = false;
  if (kAway ? magazine.has_room_homebound() : !magazine.is_full()) [[likely]] {
    std::size_t requested = 0;
    done = record->slab.try_release(payload, how, Rest::magazine, requested);
    if (done) [[likely]] {
      count_given(cache, magazine, requested);
      if constexpr (kAway)
        magazine.send_home(payload);
      else
        magazine.push(payload, cache.random);
    }
  }
  cache.gate.leave();
  return done;
}

template <Policy P, Os O>
inline void SlotTier<P, O>::count_given(Cache& cache, Magazine<P>& magazine, std::size_t requested) noexcept {
  magazine.given = magazine.given + 1;
  cache.count_requested(-requested);
}

template <Policy P, Os O>
template <class Quarantine>
Verdict SlotTier<P, O>::deallocate(Record& record, void* payload, const Release& how, bool waits,
                                   Quarantine quarantine) noexcept {
  if constexpr (P.slots_quarantined) waits = true;  // which the compiler need not ask then
  Cache* const cache = enter();
  if (cache == nullptr) [[unlikely]]
    return deallocate_alone(record, payload, how, waits, quarantine);
  const Vetted released = record.slab.release(payload, how, waits ? Rest::quarantine : Rest::magazine);
  if (released.is_fault()) [[unlikely]] {
    cache->gate.leave();
    // Where it was a neighbour's pad that looked wrong, its owner may have been changing it.
    const bool of_pads = released.kind == FaultKind::write_past_end || released.kind == FaultKind::write_before_start;
    return of_pads ? deallocate_alone(record, payload, how, waits, quarantine) : Verdict{released};
  }
  const SizeClass size_class = record.slab.layout().size_class;
  Magazine<P>& magazine = cache->magazine(size_class);
  count_given(*cache, magazine, released.requested);
  Verdict verdict;
  if (waits) {
    verdict = quarantine();
  } else if (record.slab.layout().arena == cache->arena) {
    if (magazine.is_full()) spill(*cache, size_class);
    magazine.push(payload, cache->random);
  } else {
    if (!magazine.has_room_homebound()) {
      bring_home(magazine, magazine.arriving());
      look_for_idle(*cache);
    }
    magazine.send_home(payload);
  }
  cache->gate.leave();
  return verdict;
}

template <Policy P, Os O>
Allocation SlotTier<P, O>::resize(Record& record, void* payload, std::size_t size, std::size_t& kept,
                                  Kind& kind) noexcept {
  Cache* const cache = enter();
  std::optional<Alone> alone;
  if (cache == nullptr) [[unlikely]]
    alone.emplace(*this);
  Allocation made{};
  const Vetted before = record.slab.vet(payload);
  if (before.is_fault()) [[unlikely]] {
    made = Allocation::failed(before);
  } else if (kResizesInPlace && serves(size, kMinAlignment) && record.slab.resize(payload, size)) {
    made = {payload, FaultKind::none};
    const std::uint64_t added = P.canary ? size - before.requested : 0;
    if (cache != nullptr) {
      cache->count_requested(added);
    } else {
      alone_.live_bytes += added;
      live_->add(added);
    }
  } else {
    kept = before.requested;
    kind = record.slab.kind_of(payload);
  }
  if (cache != nullptr) cache->gate.leave();
  return made;
}

}  // namespace trestle

#include "heap/slot_tier_cold.hpp"
#include "heap/slot_tier_threads.hpp"
