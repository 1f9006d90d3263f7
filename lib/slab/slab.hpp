// A slab: a run of memory cut into equal slots. Nothing of the allocator's ever lies in a slot but the canary of its pad and
// the poison of its rest; states, free bits and counts are out of band. Slots are carved from the left as they are needed.
//
//   memory   | slot 0 | slot 1 | ... | never carved ...        | left over |
//   states   a byte a slot                 free bits   a bit a slot that rests here, so that a batch is found by words
//
// take, give, and everything about counts needs the lock of whoever owns the slab; serve, resize and release touch one slot,
// and need only that the slot is the caller's. release looks at the left neighbour's pad besides, which that one's owner may
// be changing: where others may be at work, its verdict on a neighbour has to be confirmed while they are not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/engine.hpp"
#include "base/policy.hpp"
#include "slab/size_class.hpp"
#include "slab/slot_canary.hpp"
#include "slab/slot_state.hpp"

namespace trestle {

// Where a slab lies and what it is cut into; out of band, as are the records that it points to.
struct SlabLayout {
  std::byte* base = nullptr;           // aligned to the largest power of two that divides a slot's size
  SlotStateCell* states = nullptr;     // room for one a slot and one for what is left over, all zero
  std::uint64_t* free_bits = nullptr;  // room for one bit a slot, all zero
  std::uint32_t bytes = 0;             // of the memory, at most 2^22
  SizeClass size_class{};
  bool zeroed = false;     // the memory reads as zero
  std::uint8_t arena = 0;  // that it is of; here since it is read with the rest
};

// What a walk over the slots counts, to be held against the slab's own counts.
struct SlabTally {
  std::uint64_t used_slots = 0;
  std::uint64_t used_bytes = 0;     // as requested; whole slots where the policy has no canary to tell
  std::uint64_t resting_slots = 0;  // free, in the slab
  std::uint64_t cached_slots = 0;   // free, in magazines
  std::uint64_t retired_slots = 0;  // free, in quarantine
  std::uint64_t retired_bytes = 0;  // of these, whole slots

  friend bool operator==(const SlabTally&, const SlabTally&) = default;
  SlabTally& operator+=(const SlabTally& other) noexcept {
    used_slots += other.used_slots;
    used_bytes += other.used_bytes;
    resting_slots += other.resting_slots;
    cached_slots += other.cached_slots;
    retired_slots += other.retired_slots;
    retired_bytes += other.retired_bytes;
    return *this;
  }
};

// What looking at a block gives: nothing wrong, and the bytes that it has (whole slots where the policy has no canary).
struct Vetted : Verdict {
  std::size_t requested = 0;
};

template <Policy P>
class Slab {
 public:
  // A request needs a byte of pad for its canary, where the policy has one.
  static constexpr std::size_t kLeastPad = P.canary ? 1 : 0;
  // The slots that a request needs: `size` at most kMaxRequest, `alignment` at most kMaxSlot.
  [[nodiscard]] static constexpr SizeClass class_of(std::size_t size, std::size_t alignment) noexcept {
    return class_for(size + kLeastPad, alignment);
  }
  static constexpr std::size_t kMaxRequest = kMaxSlot - kLeastPad;

  constexpr Slab() noexcept = default;
  Slab(const Key& key, const SlabLayout& layout) noexcept;

  // Up to out.size() free slots that rest here, from the left on from where the last batch ended, then fresh ones. They
  // then rest in a magazine. Returns how many. Cost: O(batch + slots / 64).
  [[nodiscard]] std::size_t take(std::span<void*> out) noexcept;
  // A slot that rests in a magazine or in quarantine rests here again.
  void give(void* slot) noexcept;

  // A slot that rests in a magazine becomes a block of 1 to slot_bytes - kLeastPad bytes. A fault is where its poison was
  // overwritten; the slot then stays as it is.
  Allocation serve(void* slot, std::size_t requested, Kind kind) noexcept;
  // A block becomes free and rests where it is said to. A fault changes nothing.
  // `kBeside`: whether it looks at the left neighbour, which may be half served by the caller itself, if that was interrupted.
  template <bool kBeside = true>
  Vetted release(void* payload, const Release& how, Rest rest) noexcept;
  // The same two without a word of what is wrong. False: nothing was done, and the other has to see.
  [[gnu::always_inline]] inline bool try_serve(void* slot, std::size_t requested, Kind kind) noexcept;
  [[gnu::always_inline]] inline bool try_release(void* payload, const Release& how, Rest rest,
                                                 std::size_t& requested) noexcept;
  // Another size for a block that was vetted, in its slot: false iff that is not of the class for the size.
  [[nodiscard]] bool resize(void* payload, std::size_t requested) noexcept;
  [[nodiscard]] bool is_retired(const void* payload) const noexcept {
    const Place place = place_of(payload);
    const SlotState state = state_of(place.index);
    return place.exact && state.is_legal() && !state.is_used() && state.rest() == Rest::quarantine;
  }
  // Whether a slot that rests in quarantine starts there, its poison being whole.
  Verdict vet_retired(const void* payload) const noexcept;
  [[nodiscard]] Kind kind_of(const void* payload) const noexcept { return state_of(place_of(payload).index).kind(); }
  // Whether a live block starts there, its pad being whole; or what is wrong with the pointer or the pad.
  Vetted vet(const void* payload) const noexcept;

  // Drops the contents of the pages, of so many bytes, on which nothing but slots that rest here lies, by purge(from, bytes),
  // which reads as zero afterwards or is false. For policies without poison, or whose poison is zero. True iff any went.
  template <class Purge>
  bool purge_free(std::size_t page, Purge purge) noexcept;

  [[nodiscard]] const SlabLayout& layout() const noexcept { return layout_; }
  [[nodiscard]] std::size_t slot_size() const noexcept { return slot_size_; }
  [[nodiscard]] std::uint32_t slots() const noexcept { return slots_; }
  [[nodiscard]] std::uint32_t carved() const noexcept { return carved_; }
  // Free slots that a batch can have: those that rest here and those never carved.
  [[nodiscard]] std::uint32_t available() const noexcept { return resting_ + slots_ - carved_; }
  [[nodiscard]] bool is_whole() const noexcept { return available() == slots_; }
  [[nodiscard]] SlotState state_of(std::uint32_t index) const noexcept { return layout_.states[index]; }
  [[nodiscard]] std::byte* slot_at(std::uint32_t index) const noexcept {
    return layout_.base + std::size_t{index} * slot_size_;
  }

  // Adds what is wrong to the sink, and counts. Meanwhile no slot may change hands; owners may write to theirs.
  void check(CheckLevel level, FaultSink& sink, SlabTally& tally) const noexcept;
  bool walk(BlockVisitor visitor) const noexcept;
  // Adds to a fault what is known of the slot that holds the address.
  void explain(const void* at, Fault& fault) const noexcept;
  // Whether the pad or the poison of the slot that holds the address can be made what it should be; and that. Of a pad of which
  // too little is left to prove its length it makes the shortest: the block may then be as long as its slot allows, and mend
  // says so.
  [[nodiscard]] bool is_mendable(const void* at) const noexcept;
  bool mend(const void* at) noexcept;
  // What the pads of the blocks prove of their requests, in all; and how many pads are so broken that they prove nothing.
  struct Told {
    std::uint64_t bytes = 0;
    std::uint64_t untold = 0;
  };
  void add_told(Told& told) const noexcept;

 private:
  static constexpr std::uint32_t kWordBits = 64;

  struct Place {
    std::uint32_t index = 0;
    bool exact = false;
  };
  // The slot that holds an address in the slab's memory. slots_ and beyond: what is left over.
  [[nodiscard]] Place place_of(const void* at) const noexcept {
    const auto offset = static_cast<std::uint64_t>(static_cast<const std::byte*>(at) - layout_.base);
    const auto index = static_cast<std::uint32_t>(offset * reciprocal_ >> kReciprocalBits);
    return {index, std::uint64_t{index} * slot_size_ == offset};
  }
  [[nodiscard]] SlotCanary canary_of(std::byte* slot) const noexcept { return {key_, slot, slot_size_}; }
  // Bytes of a free slot that are poison.
  [[nodiscard]] std::size_t poisoned() const noexcept { return std::min<std::size_t>(slot_size_, P.poison_limit); }
  // Whether a live block starts there, its pad and the bytes below it being whole and the release saying the truth.
  [[nodiscard, gnu::always_inline]] inline bool is_sound_release(const Place& place, void* payload, const Release& how,
                                                                 std::size_t& requested) const noexcept;
  [[gnu::always_inline]] inline void free(std::uint32_t index, std::byte* slot, Rest rest) noexcept;
  template <bool kBeside>
  [[nodiscard]] Vetted vet_release(const Place& place, void* payload, const Release& how) const noexcept;
  [[nodiscard]] FaultKind kind_of_stray(const Place& place) const noexcept;
  // Of a release that claims what is not so.
  [[nodiscard, gnu::always_inline]] inline FaultKind false_claim(const Release& how, const void* payload,
                                                                 SlotState state, std::size_t requested) const noexcept;
  [[nodiscard, gnu::always_inline]] inline bool is_pad_whole(std::byte* slot, std::size_t& requested) const noexcept;
  [[nodiscard]] Verdict vet_pad(std::byte* slot, std::size_t& requested) const noexcept;
  [[nodiscard, gnu::always_inline]] inline bool is_whole_below(std::uint32_t index, std::byte* slot) const noexcept;
  [[nodiscard, gnu::always_inline]] inline bool is_poison_below(const std::byte* slot) const noexcept;
  [[nodiscard]] Verdict vet_below(std::uint32_t index, std::byte* slot) const noexcept;
  [[nodiscard]] bool is_resting(std::uint32_t index) const noexcept {
    return (layout_.free_bits[index / kWordBits] >> (index % kWordBits) & 1) != 0;
  }
  // The same by the state, since one of the two may be overwritten.
  [[nodiscard]] static bool is_resting_state(SlotState state) noexcept {
    return state == SlotState::free(Rest::slab, state.is_fresh());
  }
  [[nodiscard]] bool take_at(std::uint32_t index, void*& out) noexcept;
  void rest_here(std::uint32_t index, bool fresh) noexcept;
  void carve(void*& out) noexcept;
  [[nodiscard]] bool is_cut_by_its_class() const noexcept;
  void check_uncarved(FaultSink& sink) const noexcept;
  void check_slot(std::uint32_t index, CheckLevel level, FaultSink& sink, SlabTally& tally) const noexcept;
  void check_poison(std::uint32_t index, FaultSink& sink) const noexcept;

  SlabLayout layout_;
  Key key_;
  std::uint32_t slot_size_ = 0;
  std::uint64_t reciprocal_ = 0;  // of slot_size_
  std::uint32_t slots_ = 0;
  Shared<std::uint32_t> carved_;  // read beside the lock by those who ask what a pointer is
  std::uint32_t resting_ = 0;
  bool rested_ = false;     // a slot came to rest since pages were given up
  std::uint32_t next_ = 0;  // the word of free bits at which the next batch begins
};

template <Policy P>
Slab<P>::Slab(const Key& key, const SlabLayout& layout) noexcept
    : layout_(layout), key_(key), slot_size_(static_cast<std::uint32_t>(slot_bytes(layout.size_class))) {
  slots_ = layout.bytes / slot_size_;
  reciprocal_ = reciprocal_of(slot_size_);
}

template <Policy P>
std::size_t Slab<P>::take(std::span<void*> out) noexcept {
  std::size_t taken = 0;
  const std::uint32_t words = (carved_ + kWordBits - 1) / kWordBits;
  for (std::uint32_t seen = 0; resting_ != 0 && taken < out.size() && seen < words; ++seen) {
    if (next_ >= words) next_ = 0;
    std::uint64_t& word = layout_.free_bits[next_];
    for (; word != 0 && taken < out.size(); word &= word - 1)
      taken += take_at(next_ * kWordBits + static_cast<std::uint32_t>(std::countr_zero(word)), out[taken]);
    if (word == 0) ++next_;
  }
  while (taken < out.size() && carved_ < slots_) carve(out[taken++]);
  return taken;
}

// False: the bit says that the slot rests here, its state does not, or nobody has had it yet, whose state is the same as a
// resting one's. The bit was overwritten, or the state, which is believed.
template <Policy P>
bool Slab<P>::take_at(std::uint32_t index, void*& out) noexcept {
  const SlotState state = state_of(index);
  if (index >= carved_ || !is_resting_state(state)) [[unlikely]]
    return false;
  layout_.states[index] = SlotState::free(Rest::magazine, state.is_fresh());
  --resting_;
  out = slot_at(index);
  return true;
}

// A slot that nobody had is poison by now only where poison is what fresh memory reads as.
template <Policy P>
void Slab<P>::carve(void*& out) noexcept {
  const std::uint32_t index = carved_;
  carved_ = index + 1;
  layout_.states[index] = SlotState::free(Rest::magazine, true);
  if constexpr (P.poison) {
    if (!layout_.zeroed || P.poison_byte != 0) fill(slot_at(index), poisoned(), P.poison_byte);
  }
  out = slot_at(index);
}

template <Policy P>
void Slab<P>::give(void* slot) noexcept {
  const std::uint32_t index = place_of(slot).index;
  rest_here(index, state_of(index).is_fresh());
}

template <Policy P>
void Slab<P>::rest_here(std::uint32_t index, bool fresh) noexcept {
  layout_.states[index] = SlotState::free(Rest::slab, fresh);
  layout_.free_bits[index / kWordBits] |= std::uint64_t{1} << (index % kWordBits);
  ++resting_;
  rested_ = true;
}

template <Policy P>
inline bool Slab<P>::try_serve(void* slot, std::size_t requested, Kind kind) noexcept {
  auto* const at = static_cast<std::byte*>(slot);
  const std::uint32_t index = place_of(slot).index;
  if constexpr (P.poison) {
    if (!are_steps(at, poisoned(), P.poison_byte)) [[unlikely]]
      return false;
  }
  if constexpr (P.canary) canary_of(at).write_fresh(requested, P.poison_byte);
  layout_.states[index] = SlotState::used(kind);  // last, so that a neighbour finds the pad whole
  return true;
}
template <Policy P>
Allocation Slab<P>::serve(void* slot, std::size_t requested, Kind kind) noexcept {
  if (try_serve(slot, requested, kind)) [[likely]]
    return {slot, FaultKind::none};
  return Allocation::failed(
      {FaultKind::write_after_free, first_other(static_cast<std::byte*>(slot), poisoned(), P.poison_byte)});
}

template <Policy P>
bool Slab<P>::resize(void* payload, std::size_t requested) noexcept {
  if (requested == 0 || requested > kMaxRequest) return false;
  if (slot_bytes(class_for(requested + kLeastPad)) != slot_size_) return false;
  if constexpr (P.canary) {
    const SlotCanary canary = canary_of(static_cast<std::byte*>(payload));
    const std::size_t before = canary.requested();
    // What was canary becomes the owner's, and shows nothing of the key.
    if (requested > before) fill(static_cast<std::byte*>(payload) + before, requested - before, 0);
    canary.write(requested);
  }
  return true;
}

template <Policy P>
template <class Purge>
bool Slab<P>::purge_free(std::size_t page, Purge purge) noexcept {
  static_assert(!P.poison || P.poison_byte == 0, "purged bytes are zero, which has to be what free ones are");
  if (!std::exchange(rested_, false)) return false;
  bool any = false;
  const std::uint32_t carved = carved_;
  for (std::uint32_t index = 0; index < carved;) {
    const std::uint32_t first = index;
    while (index < carved && is_resting(index) && is_resting_state(state_of(index))) ++index;
    const std::size_t from = align_up(std::size_t{first} * slot_size_, page);
    const std::size_t to = align_down(std::size_t{index} * slot_size_, page);
    if (from < to) any = purge(layout_.base + from, to - from) || any;
    if (index == first) ++index;
  }
  return any;
}

}  // namespace trestle

#include "slab/slab_check.hpp"
#include "slab/slab_release.hpp"
