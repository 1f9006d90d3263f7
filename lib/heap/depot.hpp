// The slabs of one size class in one arena: where magazines are filled from and emptied to, a batch a lock.
//
//   first_ -> slab with room <-> slab with room <-> ...      slabs without room are in no list, their records lead back here
#pragma once

#include <new>
#include <span>

#include "base/sync.hpp"
#include "slab/slab.hpp"
#include "span/record_pool.hpp"
#include "span/span_heap.hpp"

namespace trestle {

template <Policy P, Os O>
class Depot;

// What the granules of a slab name: the slab itself, and whose it is. Its states and free bits lie behind it.
template <Policy P, Os O>
struct alignas(kRecordAlignment) SlotRecord {
  Slab<P> slab;
  Depot<P, O>* home = nullptr;
  // A slot leaves the quarantine, its poison being whole.
  Verdict evict(void* payload) noexcept;

  SlotRecord* next = nullptr;  // with room, or waiting to describe another slab of the class
  SlotRecord* previous = nullptr;
};

// The record of the slab that is that span, from its descriptor, which is sound.
template <Policy P, Os O>
[[nodiscard]] SlotRecord<P, O>& record_of_span(const SpanRef<O>& ref) noexcept {
  return *reinterpret_cast<SlotRecord<P, O>*>(static_cast<std::uintptr_t>(ref.span->payload));
}

template <Policy P, Os O>
class alignas(kRecordAlignment) Depot {
 public:
  using Record = SlotRecord<P, O>;

  constexpr Depot() noexcept = default;
  // `state`: slots, or addresses, which nobody can read where the system guards them.
  void start(SpanHeap<O>& spans, RecordPool<O>& records, const Key& key, SizeClass size_class, std::uint8_t arena = 0,
             SpanState state = SpanState::slots) noexcept {
    arena_ = arena;
    state_ = state;
    spans_ = &spans;
    records_ = &records;
    key_ = key;
    class_ = size_class;
  }
  // Its slabs are gone with the regions.
  void forget() noexcept { first_ = spare_ = nullptr; }
  [[nodiscard]] Mutex& lock() noexcept TRESTLE_RETURN_CAPABILITY(lock_) { return lock_; }

  // Up to out.size() slots, which rest in a magazine then. 0: memory is short.
  [[nodiscard]] std::size_t take(std::span<void*> out) noexcept TRESTLE_REQUIRES(lock_);
  // A slot of one of its slabs rests there again. A slab that is whole goes back to the spans, but for one.
  void give(Record& record, void* slot) noexcept TRESTLE_REQUIRES(lock_);
  // Gives back the slab that was kept, and pages inside of the others. True iff any went.
  bool trim() noexcept TRESTLE_REQUIRES(lock_);

  // Bytes of a span that is cut into slots of the class: few granules, but at least 8 slots.
  [[nodiscard]] static constexpr std::size_t span_bytes(SizeClass size_class) noexcept {
    constexpr std::size_t kLeastSlots = 8;
    return align_up(slot_bytes(size_class) * kLeastSlots, kGranule);
  }

 private:
  static constexpr std::size_t kWordBits = 64;
  [[nodiscard]] std::size_t slots() const noexcept { return span_bytes(class_) / slot_bytes(class_); }
  [[nodiscard]] std::size_t words() const noexcept { return (slots() + kWordBits - 1) / kWordBits; }
  [[nodiscard]] Record* make_record() noexcept;
  bool add_slab() noexcept;
  void give_back(Record& record) noexcept;
  void link(Record& record) noexcept;
  void unlink(Record& record) noexcept;

  Mutex lock_;
  Record* first_ = nullptr;
  Record* spare_ = nullptr;  // records of slabs that went back
  SpanHeap<O>* spans_ = nullptr;
  RecordPool<O>* records_ = nullptr;
  Key key_;
  SizeClass class_{};
  std::uint8_t arena_ = 0;
  SpanState state_ = SpanState::slots;
};

template <Policy P, Os O>
Verdict SlotRecord<P, O>::evict(void* payload) noexcept {
  if (const Verdict v = slab.vet_retired(payload); v.is_fault()) [[unlikely]]
    return v;
  const Guard guard(home->lock());
  home->give(*this, payload);
  return {};
}

template <Policy P, Os O>
std::size_t Depot<P, O>::take(std::span<void*> out) noexcept {
  std::size_t taken = 0;
  while (taken < out.size()) {
    if (first_ == nullptr && (taken != 0 || !add_slab())) break;
    const std::size_t more = first_->slab.take(out.subspan(taken));
    taken += more;
    // One that gives none though its counts say otherwise is overwritten: it is left alone, for heap_check to tell.
    if (first_->slab.available() == 0 || more == 0) unlink(*first_);
  }
  return taken;
}

template <Policy P, Os O>
void Depot<P, O>::give(Record& record, void* slot) noexcept {
  if (record.slab.available() == 0) link(record);
  record.slab.give(slot);
  if (record.slab.is_whole() && (first_ != &record || record.next != nullptr)) give_back(record);
}

template <Policy P, Os O>
bool Depot<P, O>::trim() noexcept {
  bool any = false;
  for (Record* record = first_; record != nullptr;) {
    Record& seen = *record;
    record = record->next;
    if (seen.slab.is_whole()) {
      give_back(seen);
      any = true;
    } else if constexpr (!P.poison || P.poison_byte == 0) {
      if (state_ == SpanState::addresses) continue;
      any =
          seen.slab.purge_free(kOsPage, [&](std::byte* at, std::size_t n) { return spans_->os().purge(at, n); }) || any;
    }
  }
  return any;
}

template <Policy P, Os O>
auto Depot<P, O>::make_record() noexcept -> Record* {
  if (spare_ != nullptr) {
    Record* const record = spare_;
    spare_ = record->next;
    return record;
  }
  const std::size_t bytes = sizeof(Record) + words() * sizeof(std::uint64_t) + slots() + 1;
  return reinterpret_cast<Record*>(records_->allocate(spans_->os(), bytes));
}

template <Policy P, Os O>
bool Depot<P, O>::add_slab() noexcept {
  Record* const place = make_record();
  if (place == nullptr) return false;
  const Guard guard(spans_->lock());
  const SpanRef<O> ref = spans_->acquire(span_bytes(class_), state_);
  if (ref.is_empty()) {
    place->next = spare_;
    spare_ = place;
    return false;
  }
  auto* const bits = reinterpret_cast<std::uint64_t*>(place + 1);
  auto* const states = reinterpret_cast<SlotStateCell*>(bits + words());
  std::fill_n(bits, words(), 0);
  std::fill_n(states, slots() + 1, SlotState{});
  Record* const record = new (place) Record{Slab<P>(key_, {.base = ref.start(),
                                                           .states = states,
                                                           .free_bits = bits,
                                                           .bytes = static_cast<std::uint32_t>(span_bytes(class_)),
                                                           .size_class = class_,
                                                           .zeroed = ref.zeroed,
                                                           .arena = arena_}),
                                            this};
  if (state_ == SpanState::slots) {
    ref.region->set_record(*ref.span, record);
  } else {
    ref.span->payload = address_of(record);
    ref.span->accessible = !spans_->os().guard(ref.start(), ref.bytes());
    ref.region->seal(*ref.span);
  }
  link(*record);
  return true;
}

template <Policy P, Os O>
void Depot<P, O>::give_back(Record& record) noexcept {
  const Guard guard(spans_->lock());
  const SpanRef<O> ref = spans_->find(record.slab.layout().base);
  if (ref.is_empty()) return;  // its descriptor is unsound: the slab stays, for heap_check to tell
  if (!ref.span->accessible && !spans_->os().unguard(ref.start(), ref.bytes())) return;
  unlink(record);
  record.next = spare_;
  spare_ = &record;
  // What could not be guarded has its contents still.
  const bool dirty = state_ == SpanState::slots || ref.span->accessible;
  ref.region->set_record(*ref.span, nullptr);
  spans_->release(ref, dirty);
}

template <Policy P, Os O>
void Depot<P, O>::link(Record& record) noexcept {
  record.next = first_;
  record.previous = nullptr;
  if (first_ != nullptr) first_->previous = &record;
  first_ = &record;
}
template <Policy P, Os O>
void Depot<P, O>::unlink(Record& record) noexcept {
  (record.previous != nullptr ? record.previous->next : first_) = record.next;
  if (record.next != nullptr) record.next->previous = record.previous;
}

}  // namespace trestle
