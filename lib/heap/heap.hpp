// The heap: every size, every policy, any Os, behind one face. Thread-safe, but for start and stop. A call that finds a
// fault answers with it and changes nothing; nothing here prints or aborts.
//
//   no bytes          an address in a slab that nobody can read, under a lock of its own
//   up to 32 KiB      a slot of a slab (fast: up to 64 KiB), from the thread's cache
//   up to 256 KiB     a block of one of the arenas, under its lock
//   above             a span of its own, under the span lock
#pragma once

#include <limits>

#include "base/engine.hpp"
#include "heap/block_tier.hpp"
#include "heap/large.hpp"
#include "heap/slot_tier.hpp"
#include "heap/zero_tier.hpp"

namespace trestle {

struct HeapConfig {
  std::uint64_t secret = 0;  // 0: from the system
  std::size_t region_bytes = std::size_t{1} << 40;
  std::uint64_t decay_ms = 1000;
  std::size_t dirty_bytes = std::size_t{256} << 20;
  std::size_t commit_bytes = kCommitBytes;         // made accessible at a time, at least: 64 KiB to 64 MiB
  std::size_t block_span_bytes = kBlockSpanBytes;  // a multiple of 64 KiB
  // A large allocation of so many bytes is moved by its pages, not copied. 0: as the policy has it, kMoveFrom.
  std::size_t move_from_bytes = 0;
  std::size_t slot_limit = kMaxSlot;          // slots have at most so many bytes; 0: there are none
  std::size_t arenas = 0;                     // of slots and of blocks; 0: as many as processors
  void (*thread_began)() noexcept = nullptr;  // called in each thread that gets a cache, so that it calls leave_thread
};

template <Policy P, Os O>
class Heap {
 public:
  static constexpr const Policy& kPolicy = P;

  constexpr explicit Heap(O os = O{}) noexcept : spans_(os), slots_(os) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  // False iff no address space can be reserved. Before start and after stop nothing else may be called.
  [[nodiscard]] bool start(const HeapConfig& config) noexcept;
  // Gives everything back to the system; the heap is then as new.
  void stop() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  void set_decay(std::uint64_t decay_ms) noexcept {
    const Guard guard(spans_.lock());
    spans_.set_decay(decay_ms);
  }
  void set_dirty_bytes(std::size_t bytes) noexcept {
    const Guard guard(spans_.lock());
    spans_.set_dirty_bytes(bytes);
  }
  // From now on one in about so many requests that slots or blocks would serve has a span of its own, and freed ones of those
  // wait longer; 0: none, as at first. One in about `below` of them lies against guard pages at its start, and not at its end;
  // 0: none. Where the policy takes samples.
  void set_sample(std::uint64_t every, std::uint64_t below = 0) noexcept;

  // From now on freed blocks wait until a sweep lets them go, which is due when as many bytes have come to wait as a quarter of
  // those that it has to read. Where it does not come the oldest go; all where memory is short. False: so many wait that the
  // oldest will have to go before.
  bool expect_sweep(std::size_t bytes_read) noexcept;
  // They wait as the policy has it.
  void expect_no_sweep() noexcept;
  // Cheap.
  [[nodiscard]] bool is_sweep_due() const noexcept { return blocks_.is_sweep_due() || large_.is_sweep_due(); }
  // Of the freed blocks that wait those for which may_go(payload) is true may be used again, but for faulty ones. The
  // verdict is on the first of these. `swept`: how many that were.
  template <class MayGo>
  Verdict sweep(MayGo may_go, std::uint64_t& swept) noexcept;

  Allocation allocate(std::size_t size, std::size_t alignment, Kind kind) noexcept;
  // The common cases, all inlined. Null, false: nothing was done, and the function without `_hot` has to see. They work
  // before start.
  [[gnu::always_inline]] void* allocate_hot(std::size_t size, Kind kind) noexcept {
    return slots_.allocate_hot(size, kind);
  }
  [[gnu::always_inline]] bool deallocate_hot(void* payload, const Release& how) noexcept {
    return slots_.deallocate_hot(payload, how);
  }
  [[gnu::always_inline]] bool deallocate_away(void* payload, const Release& how) noexcept {
    return slots_.deallocate_away(payload, how);
  }
  [[gnu::always_inline]] void* allocate_zeroed_hot(std::size_t size, Kind kind) noexcept {
    void* const made = slots_.allocate_hot(size, kind);
    if (made != nullptr) zero_unknown(made, size);
    return made;
  }
  // Whether they may serve at all.
  void set_hot(bool hot) noexcept { slots_.set_hot(hot); }
  Allocation allocate_zeroed(std::size_t size, Kind kind) noexcept;
  Verdict deallocate(void* payload, const Release& how) noexcept;
  Allocation reallocate(void* payload, std::size_t size) noexcept;
  [[nodiscard]] Sized usable_size(const void* payload) noexcept;

  // The calling thread ends: its cache goes to others.
  void leave_thread() noexcept { slots_.leave_thread(); }

  // Gives free memory back to the system, but about `keep` bytes. True iff there was any.
  bool trim(std::size_t keep) noexcept;
  void check(CheckLevel level, FaultSink& sink) noexcept;
  bool walk(BlockVisitor visitor) noexcept;
  [[nodiscard]] trestle_stats stats() noexcept;
  // What is known of a verdict on the pointer `given`: the block, its sizes, the bytes expected and found.
  [[nodiscard]] Fault explain(const Verdict& verdict, const void* given) noexcept;
  // Makes the pad or the poison that a fault is about what it should be. A block whose pad is gone may be as long as its slot
  // allows from then on. False: nothing is to be mended, which is_mendable says before.
  [[nodiscard]] bool is_mendable(const Fault& fault) noexcept;
  bool mend(const Fault& fault) noexcept;
  // What an access was that the hardware refused: a fault iff the heap has closed the memory there. Takes two locks.
  [[nodiscard]] Fault explain_access(const void* at) noexcept;
  // Whether a block with a span of its own begins there, or began and waits.
  [[nodiscard]] bool is_alone(const void* payload) noexcept;
  // Bytes from the start of the region that holds the address; UINT64_MAX where none does.
  [[nodiscard]] std::uint64_t offset_of(const void* at) const noexcept;
  // Calls visit(const std::byte* from, const std::byte* to) for all the memory that the heap has, itself included. Under
  // its locks.
  template <class Visit>
  void for_each_mapping(Visit visit) const noexcept;
  // Calls visit(SpanDescriptor&, std::byte* start) for every span, as far as their tiling is sound. For those who test what
  // a check sees, also from inside a walk: it takes no lock, so no other thread may be inside.
  template <class Visit>
  void for_each_span(Visit visit) noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;

  // Around fork: no other thread is inside while it is copied; the forking one may go on using it.
  void lock_all() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  void unlock_all() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  void reset_locks() noexcept;
  // Whether the calling thread is inside the heap already, as in a signal handler that interrupted it.
  [[nodiscard]] bool is_entered_by_caller() noexcept {
    return slots_.is_entered_by_caller() || zero_.lock().is_held_by_caller() || blocks_.is_entered_by_caller() ||
           spans_.lock().is_held_by_caller();
  }
  // Whether it keeps the locks, between lock_all and unlock_all.
  [[nodiscard]] bool is_kept_by_caller() noexcept { return spans_.lock().is_kept_by_caller(); }

 private:
  // A move costs mappings; a copy costs the time to copy and, where freed spans lose their pages, a fault for each new one.
  static constexpr std::size_t kMoveFrom = (P.large_inaccessible ? std::size_t{256} : std::size_t{1024}) << 10;

  using SlotRecordOf = typename SlotTier<P, O>::Record;
  using Alone = typename SlotTier<P, O>::Alone;

  [[nodiscard]] SpanRef<O> find_span(const void* at) noexcept;
  Verdict classify(const void* payload) noexcept;
  // Of a new slot or block: what the policy has just verified to be poison is zero where poison is, and the rest is made so.
  static void zero_unknown(void* payload, std::size_t size) noexcept {
    const std::size_t known = P.poison && P.poison_byte == 0 ? std::min(size, P.poison_limit) : 0;
    if (size != known) fill(static_cast<std::byte*>(payload) + known, size - known, 0);
  }
  Verdict deallocate_slot(SlotRecordOf& record, void* payload, const Release& how) noexcept;
  Verdict deallocate_in(const SpanRef<O>& ref, void* payload, const Release& how) noexcept;
  Allocation reallocate_slot(SlotRecordOf& record, void* payload, std::size_t size) noexcept;
  Allocation reallocate_zero(const SpanRef<O>& ref, void* payload, std::size_t size) noexcept;
  [[nodiscard]] bool takes_block_sample(std::size_t size, std::size_t alignment) noexcept;
  Allocation allocate_large(std::size_t size, std::size_t alignment, Kind kind, GuardAt where, bool& zeroed) noexcept;
  [[nodiscard]] GuardAt guard_of_sample() noexcept;
  Allocation try_allocate(std::size_t size, std::size_t alignment, Kind kind, bool& zeroed) noexcept;
  Allocation reallocate_block(const SpanRef<O>& ref, void* payload, std::size_t size) noexcept;
  Allocation reallocate_large(const SpanRef<O>& ref, void* payload, std::size_t size) noexcept;
  template <class Attempt>
  Allocation or_flushed(std::size_t size, Attempt attempt) noexcept;
  bool flush() noexcept;
  Allocation move(void* payload, std::size_t kept, std::size_t size, Kind kind) noexcept;
  // A program that frees no span still gives old ones back: every so many frees it looks.
  static constexpr std::uint64_t kFreesPerLook = 4096;
  // Whether a block that is to have so many bytes may go on as one. A block that shrinks into the slots' sizes moves there,
  // unless that frees little.
  [[nodiscard]] bool stays_block(std::size_t size) const noexcept {
    return blocks_.serves(size, kMinAlignment) && !slots_.serves(size, kMinAlignment) && size != 0;
  }
  template <class Visit>
  bool for_each_sound_span(Visit visit) const noexcept;
  [[nodiscard]] bool is_mendable_in(const SpanRef<O>& ref, const std::byte* at) noexcept;
  void mend_slot(Slab<P>& slab, const std::byte* at) noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  SlabTally check_slabs(CheckLevel level, FaultSink& sink) const noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS;
  [[nodiscard]] std::uint64_t free_slot_bytes() const noexcept;
  void purge_old() noexcept {
    const Guard guard(spans_.lock());
    spans_.purge_old(spans_.os().now_ms());
  }
  // What the large allocations gained or lost becomes known.
  void note_large() noexcept TRESTLE_REQUIRES(spans_.lock()) {
    const std::uint64_t now = large_.counts().live_bytes;
    live_.add(now - std::exchange(large_bytes_, now));
  }

  SpanHeap<O> spans_;
  RecordPool<O> records_;
  SlotTier<P, O> slots_;
  ZeroTier<P, O> zero_;
  BlockTier<P, O> blocks_;
  Large<P, O> large_;
  std::uint64_t large_allocations_ TRESTLE_GUARDED_BY(spans_.lock()) = 0;
  std::uint64_t large_deallocations_ TRESTLE_GUARDED_BY(spans_.lock()) = 0;
  std::uint64_t large_bytes_ TRESTLE_GUARDED_BY(spans_.lock()) = 0;  // as told to live_
  LiveBytes live_;
  Shared<std::uint64_t> sample_seed_;
  Shared<std::uint64_t> samples_below_;  // one in so many of them
};

template <Policy P, Os O>
bool Heap<P, O>::start(const HeapConfig& config) noexcept {
  std::uint64_t secret = config.secret != 0 ? config.secret : spans_.os().entropy();
  const Key spans_key = key_from(split_mix(secret));
  const Key blocks_key = key_from(split_mix(secret));
  const Key slots_key = key_from(split_mix(secret));
  const std::size_t arenas = config.arenas != 0 ? config.arenas : spans_.os().processors();
  blocks_.start(spans_, records_, live_, blocks_key, split_mix(secret), config.block_span_bytes, arenas);
  slots_.start(spans_, records_, live_, slots_key, split_mix(secret), {config.slot_limit, arenas, config.thread_began});
  zero_.start(spans_, records_, slots_key);
  sample_seed_ = split_mix(secret);
  large_.start(spans_, config.move_from_bytes != 0 ? config.move_from_bytes : kMoveFrom);
  return spans_.start(spans_key, {config.region_bytes, config.decay_ms, config.dirty_bytes, config.commit_bytes});
}

template <Policy P, Os O>
void Heap<P, O>::stop() noexcept {
  slots_.stop();
  zero_.stop();
  blocks_.stop();
  large_.stop();
  records_.stop(spans_.os());
  spans_.stop();
  large_allocations_ = large_deallocations_ = large_bytes_ = 0;
  live_.clear();
}

template <Policy P, Os O>
Allocation Heap<P, O>::allocate(std::size_t size, std::size_t alignment, Kind kind) noexcept {
  if (slots_.serves(size, alignment) && !slots_.is_sample_due(size, alignment)) [[likely]] {
    const Allocation made = slots_.allocate(size, alignment, kind);
    if (made.payload != nullptr || made.is_fault()) [[likely]]
      return made;
  }
  bool zeroed = false;
  return or_flushed(size, [&] { return try_allocate(size, alignment, kind, zeroed); });
}

// Where memory is too short for the attempt, the quarantines are emptied and it is made again.
template <Policy P, Os O>
template <class Attempt>
Allocation Heap<P, O>::or_flushed(std::size_t size, Attempt attempt) noexcept {
  const Allocation made = attempt();
  if (made.payload != nullptr || made.is_fault()) [[likely]]
    return made;
  if (size > kMaxSpanBytes || !flush()) return {};
  return attempt();
}

// Memory is short: what waits in the quarantines becomes free, as does what threads and depots keep ready. True iff anything
// did.
template <Policy P, Os O>
bool Heap<P, O>::flush() noexcept {
  bool any = blocks_.flush_and_give_back();
  any = slots_.trim() || any;
  const Guard guard(spans_.lock());
  return spans_.flush_retired() || any;
}

template <Policy P, Os O>
Allocation Heap<P, O>::allocate_large(std::size_t size, std::size_t alignment, Kind kind, GuardAt where,
                                      bool& zeroed) noexcept {
  const Guard guard(spans_.lock());
  const Allocation made = large_.allocate(size, alignment, kind, where, zeroed);
  if (made.payload != nullptr) {
    ++large_allocations_;
    note_large();
  }
  return made;
}

template <Policy P, Os O>
Allocation Heap<P, O>::try_allocate(std::size_t size, std::size_t alignment, Kind kind, bool& zeroed) noexcept {
  if (size > PTRDIFF_MAX || alignment > PTRDIFF_MAX) [[unlikely]]
    return {};
  const bool in_slot = slots_.serves(size, alignment);
  const bool is_sample = in_slot ? slots_.takes_sample(size, alignment) : takes_block_sample(size, alignment);
  if (is_sample && spans_.is_roomy()) [[unlikely]] {
    const Allocation sample = allocate_large(size, alignment, kind, guard_of_sample(), zeroed);
    if (sample.payload != nullptr) return sample;
  }
  if (in_slot) return slots_.allocate(size, alignment, kind);
  if (zero_.serves(size, alignment)) {
    const Guard guard(zero_.lock());
    return zero_.allocate(alignment, kind);
  }
  if (size == 0 || !blocks_.serves(size, alignment)) return allocate_large(size, alignment, kind, GuardAt::end, zeroed);
  return blocks_.allocate(size, alignment, kind, slots_.own_arena());
}

template <Policy P, Os O>
Allocation Heap<P, O>::allocate_zeroed(std::size_t size, Kind kind) noexcept {
  bool zeroed = false;
  const Allocation made = or_flushed(size, [&] { return try_allocate(size, kMinAlignment, kind, zeroed); });
  if (made.payload == nullptr || made.is_fault() || zeroed || size == 0) [[unlikely]]
    return made;
  if (!blocks_.serves(size, kMinAlignment)) {
    fill(static_cast<std::byte*>(made.payload), size, 0);
    return made;
  }
  zero_unknown(made.payload, size);
  return made;
}

// Without a lock where its descriptor is sound, as it nearly always is: else another thread may be changing it.
template <Policy P, Os O>
SpanRef<O> Heap<P, O>::find_span(const void* at) noexcept {
  const SpanRef<O> ref = spans_.find(at);
  if (!ref.is_empty()) [[likely]]
    return ref;
  const Guard guard(spans_.lock());
  return spans_.find(at);
}

template <Policy P, Os O>
Sized Heap<P, O>::usable_size(const void* payload) noexcept {
  if (payload == nullptr) return {};
  if (SlotRecordOf* const record = slots_.record_of(payload)) [[likely]] {
    const Vetted seen = slots_.vet(*record, payload);
    return {seen.is_fault() ? 0 : seen.requested, as_stale(seen).kind};
  }
  const SpanRef<O> ref = find_span(payload);
  if (ref.is_empty()) [[unlikely]]
    return {0, as_stale(classify(payload)).kind};
  if (ref.span->state == SpanState::addresses) {
    const Guard guard(zero_.lock());
    if (!zero_.still_serves(ref)) [[unlikely]]
      return {0, FaultKind::stale_pointer};
    return {0, as_stale(zero_.vet(zero_.record_of(ref), payload)).kind};
  }
  if (ref.span->state == SpanState::blocks) return blocks_.usable_size(ref, payload);
  const Guard guard(spans_.lock());
  if (ref.span->state != SpanState::large) [[unlikely]]
    return {0, FaultKind::stale_pointer};
  if (const Verdict v = large_.vet(ref, payload); v.is_fault()) [[unlikely]]
    return {0, v.kind};
  return {ref.span->requested, FaultKind::none};
}

}  // namespace trestle

#include "heap/heap_inspect.hpp"
#include "heap/heap_release.hpp"
#include "heap/heap_resize.hpp"
#include "heap/heap_sample.hpp"
#include "heap/heap_sweep.hpp"
