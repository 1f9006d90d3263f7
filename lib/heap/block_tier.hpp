// The blocks: as many arenas as processors, over which threads are spread as over those of the slots. A block goes back to the
// arena that it came from. Thread-safe, but for start and stop.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "heap/arena.hpp"
#include "heap/live_bytes.hpp"

namespace trestle {

template <Policy P, Os O>
class BlockTier {
 public:
  using ArenaOf = Arena<P, O>;
  static constexpr std::size_t kMaxArenas = 16;

  constexpr BlockTier() noexcept = default;
  BlockTier(const BlockTier&) = delete;
  BlockTier& operator=(const BlockTier&) = delete;

  // `span_bytes`: of a block span, a multiple of granules.
  void start(SpanHeap<O>& spans, RecordPool<O>& records, LiveBytes& live, const Key& key, std::uint64_t random,
             std::size_t span_bytes, std::size_t arenas) noexcept;
  void stop() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;

  [[nodiscard]] bool serves(std::size_t size, std::size_t alignment) const noexcept {
    return arenas_[0].serves(size, alignment);
  }
  // From the arena of that number, of those that there are; from another in use where others are at work in that one, or where it
  // gets no memory.
  Allocation allocate(std::size_t size, std::size_t alignment, Kind kind, std::uint32_t preferred) noexcept;
  // Of a pointer into a block span. `frees`: how many there were in its arena, where there was no fault.
  Verdict deallocate(const SpanRef<O>& ref, void* payload, const Release& how, std::uint64_t& frees) noexcept;
  [[nodiscard]] Sized usable_size(const SpanRef<O>& ref, const void* payload) noexcept;
  // In its place, where it `may_stay`. A null payload: it has to move, and `header` tells what.
  Allocation resize(const SpanRef<O>& ref, void* payload, std::size_t size, bool may_stay, Header& header) noexcept;

  // Slots that wait do so in the quarantine of that arena; see Arena.
  Verdict make_room(std::size_t bytes, std::uint32_t preferred) noexcept {
    ArenaOf& arena = arena_for(preferred);
    const Inside inside(*this, arena.lock());
    return arena.make_room(bytes);
  }
  Verdict quarantine_slot(SlotRecord<P, O>& record, void* payload, std::uint32_t preferred) noexcept {
    ArenaOf& arena = arena_for(preferred);
    const Inside inside(*this, arena.lock());
    return arena.quarantine_slot(record, payload);
  }

  // See Arena. Need to be alone.
  bool expect_sweep(std::size_t bytes) noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  void expect_no_sweep() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  [[nodiscard]] bool is_sweep_due() const noexcept { return watch_.is_due; }
  [[nodiscard]] bool lacks_room() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS {
    return std::ranges::any_of(in_use(),
                               [](ArenaOf& arena) TRESTLE_NO_THREAD_SAFETY_ANALYSIS { return arena.lacks_room(); });
  }
  template <class MayGo>
  Verdict sweep(MayGo may_go, std::uint64_t& swept) noexcept;

  // Everything in the quarantines and on the shelves becomes free, and spans go back. True iff there was any.
  bool flush_and_give_back() noexcept {
    return any_of([](ArenaOf& arena) TRESTLE_NO_THREAD_SAFETY_ANALYSIS { return arena.flush_and_give_back(); });
  }
  bool trim() noexcept {
    return any_of([](ArenaOf& arena) TRESTLE_NO_THREAD_SAFETY_ANALYSIS { return arena.trim(); });
  }

  // While one exists nobody else is in any of the arenas.
  class TRESTLE_SCOPED_CAPABILITY Alone {
   public:
    explicit Alone(BlockTier& tier) noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS : tier_(tier) {
      for (ArenaOf& arena : tier_.all()) arena.lock().lock();
    }
    ~Alone() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS {
      for (ArenaOf& arena : tier_.all()) arena.lock().unlock();
    }
    Alone(const Alone&) = delete;
    Alone& operator=(const Alone&) = delete;

   private:
    BlockTier& tier_;
  };

  // Of a block span. Whoever is not alone asks the arena under its lock whether it still serves the span.
  [[nodiscard]] ArenaOf& arena_in(const SpanRef<O>& ref) noexcept {
    return arenas_[std::min<std::size_t>(ArenaOf::number_in(*ref.span), count_ - 1)];
  }
  // These need to be alone.
  void check(CheckLevel level, const SlabTally& slots,
             FaultSink& sink) const noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  // What is not known yet becomes known.
  void publish_all() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS {
    std::uint64_t change = 0;
    for (const ArenaOf& arena : in_use()) change += untold(arena);
    live_->add(change);
  }
  struct Counts {
    BlockTally blocks;
    std::uint64_t allocations = 0;
    std::uint64_t deallocations = 0;
    std::uint64_t waiting_blocks = 0;  // in quarantines and on shelves, slots among them
    std::uint64_t waiting_bytes = 0;
  };
  [[nodiscard]] Counts counts() const noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;

  [[nodiscard]] bool is_entered_by_caller() noexcept {
    return std::ranges::any_of(all(), [](ArenaOf& arena) { return arena.lock().is_held_by_caller(); });
  }
  void keep() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS {
    for (ArenaOf& arena : all()) arena.lock().keep();
  }
  void let_go() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS {
    for (ArenaOf& arena : all()) arena.lock().let_go();
  }
  void reset_locks() noexcept {
    for (ArenaOf& arena : all()) arena.lock().reset();
  }

 private:
  // What its arena counts, under its lock; in a line of the processor's cache that no other arena's is in.
  struct alignas(kRecordAlignment) Ledger {
    std::uint64_t allocations = 0;
    std::uint64_t deallocations = 0;
    std::uint64_t told = 0;  // live bytes, as told to live_
  };

  [[nodiscard]] std::span<ArenaOf> all() noexcept { return std::span(arenas_).first(count_); }
  [[nodiscard]] std::span<ArenaOf> in_use() noexcept { return std::span(arenas_).first(used_); }
  [[nodiscard]] ArenaOf& arena_for(std::uint32_t preferred) noexcept {
    const std::size_t number = preferred < count_ ? preferred : preferred % count_;
    if (number >= used_) [[unlikely]]
      use_up_to(number);
    return arenas_[number];
  }
  [[nodiscard]] std::size_t number_of(const ArenaOf& arena) const noexcept {
    return static_cast<std::size_t>(&arena - arenas_.data());
  }
  template <class Act>
  bool any_of(Act act) noexcept;
  void use_up_to(std::size_t number) noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  // Whoever has one arena's lock asks for that of a later one only. A signal's handler that interrupted its thread inside of one
  // waits for no other: whoever is in that may wait for the first.
  void lock(Mutex& mutex) noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS {
    if (mutex.try_lock()) [[likely]]
      return;
    if (is_entered_by_caller()) Mutex::end_reentered();
    mutex.lock();
  }
  class TRESTLE_SCOPED_CAPABILITY Inside {
   public:
    Inside(BlockTier& tier, Mutex& mutex) noexcept TRESTLE_ACQUIRE(mutex) : mutex_(mutex) { tier.lock(mutex); }
    ~Inside() noexcept TRESTLE_RELEASE() { mutex_.unlock(); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Mutex& mutex_;
  };
  [[nodiscard]] ArenaOf& lock_one(std::uint32_t preferred) noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  Allocation allocate_in(ArenaOf& arena, std::size_t size, std::size_t alignment,
                         Kind kind) noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  void note(const ArenaOf& arena) noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  // What its blocks gained or lost since this was asked last.
  [[nodiscard]] std::uint64_t untold(const ArenaOf& arena) noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS {
    const std::uint64_t now = arena.counts().live_bytes;
    return now - std::exchange(ledgers_[number_of(arena)].told, now);
  }

  LiveBytes* live_ = nullptr;
  std::size_t count_ = 1;
  // Under the first one's lock: how many are used, the first so many, and the bytes that are to wait for a sweep, or 0.
  Shared<std::size_t> used_ = 1;
  std::size_t sweep_bytes_ = 0;
  SweepWatch watch_;
  std::array<ArenaOf, kMaxArenas> arenas_{};
  std::array<Ledger, kMaxArenas> ledgers_{};
};

template <Policy P, Os O>
void BlockTier<P, O>::start(SpanHeap<O>& spans, RecordPool<O>& records, LiveBytes& live, const Key& key,
                            std::uint64_t random, std::size_t span_bytes, std::size_t arenas) noexcept {
  live_ = &live;
  count_ = std::clamp<std::size_t>(arenas, 1, kMaxArenas);
  for (std::uint32_t number = 0; number < count_; ++number) {
    const Key own = number == 0 ? key : key_from(split_mix(random));
    arenas_[number].start(spans, records, own, split_mix(random), span_bytes, number, watch_);
  }
  used_ = 0;
  use_up_to(0);
}

template <Policy P, Os O>
void BlockTier<P, O>::stop() noexcept {
  for (ArenaOf& arena : all()) arena.stop();
  ledgers_ = {};
  sweep_bytes_ = 0;
  watch_ = {};
  used_ = count_ = 1;
}

template <Policy P, Os O>
void BlockTier<P, O>::use_up_to(std::size_t number) noexcept {
  const Inside inside_first(*this, arenas_[0].lock());
  if (number < used_) return;
  if (used_ == 0) arenas_[0].make_ready();
  for (std::size_t i = std::max<std::size_t>(used_, 1); i <= number; ++i) {
    const Guard guard(arenas_[i].lock());
    arenas_[i].make_ready();
    if (sweep_bytes_ != 0) (void)arenas_[i].expect_sweep(sweep_bytes_);
  }
  used_ = number + 1;
}

template <Policy P, Os O>
template <class Act>
bool BlockTier<P, O>::any_of(Act act) noexcept {
  bool any = false;
  for (ArenaOf& arena : in_use()) {
    const Inside inside(*this, arena.lock());
    any = act(arena) || any;
  }
  return any;
}

// What its blocks gained or lost becomes known, at once where there are no others to be in the way of, else once it is much.
template <Policy P, Os O>
void BlockTier<P, O>::note(const ArenaOf& arena) noexcept {
  constexpr std::uint64_t kMuch = std::uint64_t{1} << 20;
  const std::uint64_t change = arena.counts().live_bytes - ledgers_[number_of(arena)].told;
  if (used_ == 1 || change + kMuch > 2 * kMuch) live_->add(untold(arena));
}

// The one preferred, or, where somebody is in that, the next in use that nobody is in.
template <Policy P, Os O>
auto BlockTier<P, O>::lock_one(std::uint32_t preferred) noexcept -> ArenaOf& {
  ArenaOf& own = arena_for(preferred);
  if (own.lock().try_lock()) [[likely]]
    return own;
  const std::size_t used = used_;
  for (std::size_t i = 1; i < used; ++i) {
    ArenaOf& other = arenas_[(number_of(own) + i) % used];
    if (other.lock().try_lock()) return other;
  }
  lock(own.lock());
  return own;
}

// In an arena whose lock the caller has, which is unlocked then.
template <Policy P, Os O>
Allocation BlockTier<P, O>::allocate_in(ArenaOf& arena, std::size_t size, std::size_t alignment, Kind kind) noexcept {
  const Allocation made = arena.allocate(size, alignment, kind);
  if (made.payload != nullptr && !made.is_fault()) [[likely]] {
    ++ledgers_[number_of(arena)].allocations;
    note(arena);
  }
  arena.lock().unlock();
  return made;
}

template <Policy P, Os O>
Allocation BlockTier<P, O>::allocate(std::size_t size, std::size_t alignment, Kind kind,
                                     std::uint32_t preferred) noexcept {
  ArenaOf& first = lock_one(preferred);
  const Allocation made = allocate_in(first, size, alignment, kind);
  if (made.payload != nullptr || made.is_fault()) [[likely]]
    return made;
  for (ArenaOf& other : in_use()) {
    if (&other == &first) continue;
    lock(other.lock());
    const Allocation instead = allocate_in(other, size, alignment, kind);
    if (instead.payload != nullptr || instead.is_fault()) return instead;
  }
  return {};
}

template <Policy P, Os O>
Verdict BlockTier<P, O>::deallocate(const SpanRef<O>& ref, void* payload, const Release& how,
                                    std::uint64_t& frees) noexcept {
  ArenaOf& arena = arena_in(ref);
  const Inside inside(*this, arena.lock());
  if (!arena.still_serves(ref)) [[unlikely]]
    return {is_aligned(payload, kMinAlignment) ? FaultKind::double_free : FaultKind::not_a_block, payload};
  const Verdict v = arena.deallocate(payload, how);
  if (!v.is_fault()) [[likely]] {
    frees = ++ledgers_[number_of(arena)].deallocations;
    note(arena);
  }
  return v;
}

template <Policy P, Os O>
Sized BlockTier<P, O>::usable_size(const SpanRef<O>& ref, const void* payload) noexcept {
  ArenaOf& arena = arena_in(ref);
  const Inside inside(*this, arena.lock());
  if (!arena.still_serves(ref)) [[unlikely]]
    return {0, FaultKind::stale_pointer};
  Header header = Header::end(true);
  if (const Verdict v = arena.find_live(payload, header); v.is_fault()) [[unlikely]]
    return {0, as_stale(v).kind};
  return {header.requested(), FaultKind::none};
}

template <Policy P, Os O>
Allocation BlockTier<P, O>::resize(const SpanRef<O>& ref, void* payload, std::size_t size, bool may_stay,
                                   Header& header) noexcept {
  ArenaOf& arena = arena_in(ref);
  const Inside inside(*this, arena.lock());
  if (!arena.still_serves(ref)) [[unlikely]]
    return {payload, FaultKind::stale_pointer};
  // The pad is looked at once: by `resize`, or here, also where there is no memory to move the block to.
  const Verdict v = may_stay ? arena.find_live(payload, header) : arena.find_whole(payload, header);
  if (v.is_fault()) [[unlikely]]
    return Allocation::failed(as_stale(v));
  if (!may_stay) return {};
  const Allocation resized = arena.resize(payload, size);
  note(arena);
  return resized;
}

template <Policy P, Os O>
bool BlockTier<P, O>::expect_sweep(std::size_t bytes) noexcept {
  sweep_bytes_ = bytes;
  watch_ = {};
  watch_.due_at = bytes;
  bool expects = true;
  for (ArenaOf& arena : in_use()) expects = arena.expect_sweep(bytes) && expects;
  return expects;
}

template <Policy P, Os O>
void BlockTier<P, O>::expect_no_sweep() noexcept {
  sweep_bytes_ = 0;
  watch_ = {};
  for (ArenaOf& arena : in_use()) arena.expect_no_sweep();
}

template <Policy P, Os O>
template <class MayGo>
Verdict BlockTier<P, O>::sweep(MayGo may_go, std::uint64_t& swept) noexcept {
  Verdict first{};
  for (ArenaOf& arena : in_use()) {
    const Inside inside(*this, arena.lock());
    const Verdict v = arena.sweep(may_go, swept);
    if (v.is_fault() && !first.is_fault()) [[unlikely]]
      first = v;
  }
  return first;
}

template <Policy P, Os O>
void BlockTier<P, O>::check(CheckLevel level, const SlabTally& slots, FaultSink& sink) const noexcept {
  bool whole = true;
  SlabTally waiting;
  for (const ArenaOf& arena : std::span(arenas_).first(count_)) {
    whole = arena.check(level, sink) && whole;
    waiting.retired_slots += arena.waiting_slots();
    waiting.retired_bytes += arena.waiting_slot_bytes();
  }
  if (!whole) return;
  if (waiting.retired_slots != slots.retired_slots || waiting.retired_bytes != slots.retired_bytes) {
    sink.add({.kind = FaultKind::quarantine_corrupt,
              .address = &arenas_,
              .expected = slots.retired_slots,
              .found = waiting.retired_slots});
    return;
  }
  for (const ArenaOf& arena : std::span(arenas_).first(count_)) arena.check_waiting(sink);
}

template <Policy P, Os O>
auto BlockTier<P, O>::counts() const noexcept -> Counts {
  Counts sum;
  for (std::size_t i = 0; i < count_; ++i) {
    const ArenaOf& arena = arenas_[i];
    sum.blocks.live_blocks += arena.counts().live_blocks;
    sum.blocks.live_bytes += arena.counts().live_bytes;
    sum.blocks.free_bytes += arena.counts().free_bytes;
    sum.allocations += ledgers_[i].allocations;
    sum.deallocations += ledgers_[i].deallocations;
    sum.waiting_blocks += arena.retired_blocks();
    sum.waiting_bytes += arena.retired_bytes();
  }
  return sum;
}

}  // namespace trestle
