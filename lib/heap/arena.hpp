// One arena of blocks: block spans, their quarantine, and their lock. Every method needs the lock, and takes the span lock where it
// asks for spans or gives them back.
#pragma once

#include "base/sync.hpp"
#include "block/block_engine.hpp"
#include "heap/depot.hpp"
#include "heap/quarantine.hpp"
#include "heap/shelf.hpp"
#include "span/record_pool.hpp"
#include "span/span_heap.hpp"

namespace trestle {

// A block span: | blocks ... | end header | guard page |
inline constexpr std::size_t kBlockSpanBytes = std::size_t{1} << 20;
// A request of more than this part of a block span, or so aligned, gets a span of its own.
inline constexpr std::size_t kBlocksPerSpan = 4;

// What all arenas of a heap have come to wait for a sweep, since one was expected last.
struct SweepWatch {
  Shared<std::uint64_t> waiting;              // bytes, which each arena tells of in steps
  Shared<std::uint64_t> due_at = UINT64_MAX;  // so many of them
  Shared<bool> is_due;
};

template <Policy P, Os O>
class alignas(kRecordAlignment) Arena : public BlockEngine<P, Arena<P, O>> {
  using Base = BlockEngine<P, Arena<P, O>>;
  friend Base;

 public:
  constexpr Arena() noexcept = default;

  // `span_bytes`: of a block span, a multiple of granules. `number`: which arena of the heap it is.
  void start(SpanHeap<O>& spans, RecordPool<O>& records, const Key& key, std::uint64_t seed, std::size_t span_bytes,
             std::uint32_t number, SweepWatch& watch) noexcept {
    Base::start(key);
    quarantine_.start();
    spans_ = &spans;
    records_ = &records;
    span_bytes_ = span_bytes;
    random_ = seed;
    number_ = number;
    watch_ = &watch;
  }
  // Before it is used first: it gets room for what the policy has waiting.
  void make_ready() noexcept TRESTLE_REQUIRES(lock_) {
    if constexpr (P.quarantine_blocks > Quarantine<P>::kOwnRoom) ask_for_room(P.quarantine_blocks);
  }
  void stop() noexcept {
    quarantine_.start();
    frees_to_sweep_ = SIZE_MAX;
    untold_ = 0;
    slots_waited_ = false;
    waiting_slots_ = waiting_slot_bytes_ = 0;
    shelf_.clear();
    warm_ = nullptr;
    Base::forget_all();
  }
  [[nodiscard]] Mutex& lock() noexcept TRESTLE_RETURN_CAPABILITY(lock_) { return lock_; }

  [[nodiscard]] bool serves(std::size_t size, std::size_t alignment) const noexcept {
    const std::size_t most = span_bytes_ / kBlocksPerSpan;
    return size <= most && alignment <= most;
  }

  Allocation allocate(std::size_t size, std::size_t alignment, Kind kind) noexcept TRESTLE_REQUIRES(lock_) {
    if (alignment <= kMinAlignment) [[likely]] {
      const std::optional<std::size_t> need = Base::block_bytes(size);
      void* const rested = need ? shelf_.take(*need) : nullptr;
      if (rested != nullptr) [[likely]]
        return revive(rested, *need, size, kind);
    }
    const Allocation first = Base::allocate(size, alignment, kind);
    if (first.is_fault() || first.payload != nullptr) [[likely]]
      return first;
    return add_span() ? Base::allocate(size, alignment, kind) : Allocation{};
  }

  // A block goes to the quarantine; what has to leave it for that goes on the shelf or becomes free.
  Verdict deallocate(void* payload, const Release& how) noexcept TRESTLE_REQUIRES(lock_) {
    Block block{nullptr, Header::end(true)};
    if (const Verdict v = this->vet_release(payload, how, block); v.is_fault()) [[unlikely]]
      return v;
    if (const Verdict v = make_room(block.header.size()); v.is_fault()) [[unlikely]]
      return v;
    this->retire(block);
    keep(payload, block.header.size());
    return {};
  }

  // What has to leave the quarantine, so that so many bytes can come, leaves it.
  Verdict make_room(std::size_t bytes) noexcept TRESTLE_REQUIRES(lock_) {
    while (quarantine_.is_full_for(bytes)) {
      if (const Verdict v = evict(); v.is_fault()) [[unlikely]]
        return v;
    }
    return {};
  }
  // A slot that its tier has released goes to the quarantine, or is free at once where another thread took the room since.
  Verdict quarantine_slot(SlotRecord<P, O>& record, void* payload) noexcept TRESTLE_REQUIRES(lock_) {
    if constexpr (!P.slots_quarantined) slots_waited_ = true;
    if (quarantine_.is_full_for(record.slab.slot_size())) return record.evict(payload);
    ++waiting_slots_;
    waiting_slot_bytes_ += record.slab.slot_size();
    keep(payload, record.slab.slot_size());
    return {};
  }

  // From now on blocks wait until a sweep lets them go. It is due when so many bytes more wait in all arenas, or when as many
  // blocks were freed here as half of the room that is left, but no less than a part of all. The oldest go where it does not
  // come. False: the policy has none wait for sweeps, or there is no memory to keep their addresses in.
  bool expect_sweep(std::size_t bytes) noexcept TRESTLE_REQUIRES(lock_) {
    constexpr std::size_t kLeastPart = 16;
    if constexpr (P.sweep_blocks > Quarantine<P>::kOwnRoom) ask_for_room(P.sweep_blocks);
    quarantine_.be_patient(quarantine_.bytes() + 2 * bytes);
    untold_ = 0;
    const std::size_t room = quarantine_.room();
    const bool has_room = room >= P.sweep_blocks;
    frees_to_sweep_ =
        has_room ? std::max({(room - quarantine_.count()) / 2, room / kLeastPart, std::size_t{1}}) : SIZE_MAX;
    return P.sweep_blocks != 0 && has_room;
  }
  // What waits beyond what the policy has waiting may go.
  void expect_no_sweep() noexcept TRESTLE_REQUIRES(lock_) {
    frees_to_sweep_ = SIZE_MAX;
    quarantine_.be_impatient();
    for (std::size_t left = quarantine_.count(); left != 0 && quarantine_.is_full_for(0); --left)
      if (evict().is_fault()) quarantine_.rotate();  // it shows again where its block is checked
    quarantine_.be_impatient();
  }
  // The blocks that wait and for which may_go(payload) is true leave the quarantine; the others stay in their order, as do
  // those that are faulty. `swept`: how many left. The verdict is on the first that is faulty.
  template <class MayGo>
  Verdict sweep(MayGo may_go, std::uint64_t& swept) noexcept TRESTLE_REQUIRES(lock_) {
    Verdict first{};
    for (std::size_t left = quarantine_.count(); left != 0; --left) {
      const bool goes = may_go(quarantine_.oldest());
      const Verdict v = goes ? evict() : Verdict{};
      if (!goes || v.is_fault())
        quarantine_.rotate();
      else
        ++swept;
      if (v.is_fault() && !first.is_fault()) [[unlikely]]
        first = v;
    }
    return first;
  }
  // Whether more blocks may be freed until it is due than there is room for.
  [[nodiscard]] bool lacks_room() const noexcept TRESTLE_REQUIRES(lock_) {
    return frees_to_sweep_ > quarantine_.room() - quarantine_.count();
  }

  // Everything in the quarantine and on the shelf becomes free.
  Verdict flush() noexcept TRESTLE_REQUIRES(lock_) {
    while (!quarantine_.is_empty()) {
      if (const Verdict v = evict(); v.is_fault()) [[unlikely]]
        return v;
    }
    return clear_shelf();
  }
  // The same, up to a block that is faulty, and the span kept warm goes back. True iff there was any.
  bool flush_and_give_back() noexcept TRESTLE_REQUIRES(lock_) {
    const bool any = !quarantine_.is_empty() || shelf_.count() != 0;
    (void)flush();  // a fault shows again where its block is checked
    return give_back_warm() || any;
  }
  // Gives back the span kept warm, and the pages inside of free blocks, if their bytes are zero or nobody's concern. True
  // iff any went.
  bool trim() noexcept TRESTLE_REQUIRES(lock_);

  [[nodiscard]] const Shelf& shelf() const noexcept TRESTLE_REQUIRES(lock_) { return shelf_; }
  [[nodiscard]] std::size_t retired_blocks() const noexcept TRESTLE_REQUIRES(lock_) {
    return quarantine_.count() + shelf_.count();
  }
  [[nodiscard]] std::size_t retired_bytes() const noexcept TRESTLE_REQUIRES(lock_) {
    return quarantine_.bytes() + shelf_.bytes();
  }
  // Slots that wait in its quarantine, and their bytes.
  [[nodiscard]] std::size_t waiting_slots() const noexcept TRESTLE_REQUIRES(lock_) { return waiting_slots_; }
  [[nodiscard]] std::size_t waiting_slot_bytes() const noexcept TRESTLE_REQUIRES(lock_) { return waiting_slot_bytes_; }
  // False: the walk over a span has ended early, or the counts of those that wait are wrong, so that nothing is known of them.
  bool check(CheckLevel level, FaultSink& sink) const noexcept TRESTLE_REQUIRES(lock_);
  void check_waiting(FaultSink& sink) const noexcept TRESTLE_REQUIRES(lock_);
  // The heap asks of addresses in block spans: what is there beside blocks is a guard page.
  static constexpr FaultKind kBesideExtents = FaultKind::not_a_block;
  [[nodiscard]] Extent extent_of(const std::byte* at) const noexcept {
    const SpanRef<O> ref = spans_->find(at);
    if (ref.is_empty() || !is_own(*ref.span)) return {};
    const Extent extent = extent_in(ref);
    return extent.holds(at, 1) ? extent : Extent{};
  }
  // Whether a span that was found without the lock is one of its block spans still.
  [[nodiscard]] bool still_serves(const SpanRef<O>& ref) const noexcept { return is_own(*ref.span); }
  // Of a block span: the number of its arena.
  [[nodiscard]] static std::uint32_t number_in(const SpanDescriptor& span) noexcept {
    return static_cast<std::uint32_t>(span.payload);
  }
  [[nodiscard]] static Extent extent_in(const SpanRef<O>& ref) noexcept {
    return {ref.start(), ref.bytes() - (P.guard_pages ? kOsPage : 0)};
  }

 private:
  [[nodiscard]] bool is_own(const SpanDescriptor& span) const noexcept {
    return span.state == SpanState::blocks && span.payload == number_;
  }
  void ask_for_room(std::size_t blocks) noexcept {
    if (quarantine_.has_lent_room()) return;
    std::byte* const room = records_->allocate(spans_->os(), blocks * sizeof(void*));
    if (room != nullptr) quarantine_.lend(reinterpret_cast<void**>(room), blocks);
  }
  void keep(void* payload, std::size_t bytes) noexcept TRESTLE_REQUIRES(lock_) {
    quarantine_.push(payload, bytes, random_);
    constexpr std::size_t kStep = std::size_t{256} << 10;
    untold_ += bytes;
    const bool is_many = --frees_to_sweep_ == 0;
    if (untold_ >= kStep || is_many) [[unlikely]] {
      const std::uint64_t waiting = watch_->waiting.add(std::exchange(untold_, 0));
      if (waiting > watch_->due_at || is_many) watch_->is_due = true;
    }
  }
  bool add_span() noexcept;
  bool give_back(const Extent& extent) noexcept;
  bool give_back_warm() noexcept;
  Verdict evict() noexcept;
  Verdict clear_shelf() noexcept;
  Verdict free_shelved(std::size_t bytes) noexcept;
  Allocation revive(void* payload, std::size_t bytes, std::size_t size, Kind kind) noexcept;
  [[nodiscard]] bool is_retired(const void* payload) const noexcept;
  void settle(const Block& freed) noexcept;

  SpanHeap<O>* spans_ = nullptr;
  RecordPool<O>* records_ = nullptr;
  std::size_t span_bytes_ = 0;
  std::uint32_t number_ = 0;
  Mutex lock_;
  std::uint64_t random_ = 0;
  std::byte* warm_ = nullptr;  // a block span that was empty when last seen, kept for the next allocation
  Quarantine<P> quarantine_;
  SweepWatch* watch_ = nullptr;
  std::size_t untold_ = 0;                 // bytes that have come to wait
  std::size_t frees_to_sweep_ = SIZE_MAX;  // until one is due all the same
  bool slots_waited_ = false;              // some of those that wait may be slots
  std::size_t waiting_slots_ = 0;
  std::size_t waiting_slot_bytes_ = 0;
  Shelf shelf_;
};

template <Policy P, Os O>
bool Arena<P, O>::add_span() noexcept {
  const Guard guard(spans_->lock());
  const SpanRef<O> ref = spans_->acquire(span_bytes_, SpanState::blocks);
  if (ref.is_empty()) return false;
  const Extent extent = extent_in(ref);
  ref.span->payload = number_;
  if constexpr (P.guard_pages) ref.span->accessible = !spans_->os().guard(ref.end() - kOsPage, kOsPage);
  ref.region->seal(*ref.span);
  this->add_extent(extent, ref.zeroed);
  return true;
}

// False iff the span's guard cannot be removed; it then stays where it is, empty.
template <Policy P, Os O>
bool Arena<P, O>::give_back(const Extent& extent) noexcept {
  const Guard guard(spans_->lock());
  const SpanRef<O> ref = spans_->find(extent.begin);
  if (ref.is_empty()) return false;
  if (!ref.span->accessible && !spans_->os().unguard(ref.end() - kOsPage, kOsPage)) return false;
  if (this->remove_extent(extent).is_fault()) return false;
  spans_->release(ref, true);
  return true;
}

template <Policy P, Os O>
Verdict Arena<P, O>::evict() noexcept {
  void* const payload = quarantine_.oldest();
  if (P.slots_quarantined || slots_waited_) {
    if (auto* const record = static_cast<SlotRecord<P, O>*>(spans_->record_of(payload))) {
      if (const Verdict v = record->evict(payload); v.is_fault()) [[unlikely]]
        return v;
      quarantine_.pop(record->slab.slot_size());
      --waiting_slots_;
      waiting_slot_bytes_ -= record->slab.slot_size();
      return {};
    }
  }
  Block block{nullptr, Header::end(true)};
  if (const Verdict v = this->find_retired(payload, block); v.is_fault()) [[unlikely]] {
    const std::byte* const at = header_under(payload);  // where no block can be, it is the entry that is wrong
    return extent_of(at).holds(at, kMinBlock) ? v : Verdict{FaultKind::quarantine_corrupt, payload};
  }
  const std::size_t size = block.header.size();
  if (const Verdict v = free_shelved(size); v.is_fault()) [[unlikely]]
    return v;
  quarantine_.pop(size);
  shelf_.put(payload, size);
  return {};
}

// Whoever is on the shelf where a block of so many bytes needs the place becomes free.
template <Policy P, Os O>
Verdict Arena<P, O>::free_shelved(std::size_t bytes) noexcept {
  const Shelf::Entry there = shelf_.in_the_way_of(bytes);
  if (there.payload == nullptr) return {};
  Block freed{nullptr, Header::end(true)};
  if (const Verdict v = this->reclaim(there.payload, freed); v.is_fault()) [[unlikely]]
    return v;
  shelf_.remove(bytes);
  settle(freed);
  return {};
}

template <Policy P, Os O>
Verdict Arena<P, O>::clear_shelf() noexcept {
  for (const Shelf::Entry& entry : shelf_.places()) {
    if (entry.payload == nullptr) continue;
    if (const Verdict v = free_shelved(entry.bytes); v.is_fault()) [[unlikely]]
      return v;
  }
  return {};
}

// A block off the shelf serves the request that it just fits, or goes back there.
template <Policy P, Os O>
Allocation Arena<P, O>::revive(void* payload, std::size_t bytes, std::size_t size, Kind kind) noexcept {
  const Allocation made = Base::revive(payload, bytes, size, kind);
  if (made.is_fault()) [[unlikely]]
    shelf_.put(payload, bytes);
  return made;
}

// A free block that fills its span: the first such span is kept warm, any other goes back.
template <Policy P, Os O>
void Arena<P, O>::settle(const Block& freed) noexcept {
  if (freed.header.size() < span_bytes_ - 2 * kOsPage) [[likely]]
    return;
  const Extent extent = extent_of(freed.at);
  if (freed.at != extent.begin || freed.end() != extent.end_header()) return;
  if (warm_ != nullptr && warm_ != freed.at) {
    const std::optional<Header> header = this->load(warm_);
    if (header && header->is_free() && header->size() == freed.header.size() && give_back(extent)) return;
  }
  warm_ = freed.at;
}

template <Policy P, Os O>
bool Arena<P, O>::give_back_warm() noexcept {
  if (warm_ == nullptr) return false;
  const std::optional<Header> header = this->load(warm_);
  const Extent extent = extent_of(warm_);
  const bool whole = header && header->is_free() && warm_ + header->size() == extent.end_header();
  warm_ = nullptr;
  return whole && give_back(extent);
}

template <Policy P, Os O>
bool Arena<P, O>::trim() noexcept {
  (void)clear_shelf();  // a fault shows again where its block is checked
  bool any = give_back_warm();
  if constexpr (P.poison && P.poison_byte != 0) return any;
  const auto purge = [&](const Block& block) {
    std::byte* const from = reinterpret_cast<std::byte*>(align_up(address_of(block.body()), kOsPage));
    std::byte* const to = reinterpret_cast<std::byte*>(align_down(address_of(block.footer()), kOsPage));
    if (block.header.is_purged() || from >= to || !spans_->os().purge(from, static_cast<std::size_t>(to - from)))
      return;
    this->mark_purged(block);
    any = true;
  };
  this->for_each_large_free(2 * kOsPage, purge);
  return any;
}

}  // namespace trestle

#include "heap/arena_check.hpp"
