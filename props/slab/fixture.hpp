// A slab of any policy over memory of the test's own.
#pragma once

#include <vector>

#include "faults.hpp"
#include "slab/slab.hpp"

namespace trestle {

template <Policy P>
class SlabUnderTest {
 public:
  static constexpr std::uint32_t kBytes = 64 << 10;

  explicit SlabUnderTest(SizeClass size_class, bool zeroed = true)
      : memory_(kBytes + kMaxSlot, zeroed ? std::byte{0} : std::byte{0xAB}),
        states_(kBytes / kSlotStep + 1),
        free_bits_(kBytes / kSlotStep / 64),
        slab_(key_from(11), {.base = aligned(),
                             .states = states_.data(),
                             .free_bits = free_bits_.data(),
                             .bytes = kBytes,
                             .size_class = size_class,
                             .zeroed = zeroed}) {}

  [[nodiscard]] Slab<P>& slab() { return slab_; }
  // One slot, served; null: the slab is full, or a fault.
  [[nodiscard]] std::byte* take(std::size_t requested, Kind kind = Kind::by_malloc) {
    void* slot = nullptr;
    if (slab_.take({&slot, 1}) != 1) return nullptr;
    return static_cast<std::byte*>(slab_.serve(slot, requested, kind).payload);
  }
  [[nodiscard]] FaultKind give(void* payload, const Release& how = kFromMalloc) {
    const Vetted released = slab_.release(payload, how, Rest::magazine);
    if (!released.is_fault()) slab_.give(payload);
    return released.kind;
  }
  [[nodiscard]] std::vector<Fault> faults(SlabTally& tally, CheckLevel level = CheckLevel::full) {
    std::vector<Fault> room(16);
    FaultSink sink(room.data(), room.size());
    slab_.check(level, sink, tally);
    room.resize(std::min(room.size(), sink.count()));
    return room;
  }
  [[nodiscard]] std::vector<Fault> faults() {
    SlabTally tally;
    return faults(tally);
  }
  [[nodiscard]] SlotStateCell& state(std::uint32_t index) { return states_[index]; }
  [[nodiscard]] std::uint64_t& free_bits(std::uint32_t word) { return free_bits_[word]; }

 private:
  [[nodiscard]] std::byte* aligned() {
    return memory_.data() + (align_up(address_of(memory_.data()), kMaxSlot) - address_of(memory_.data()));
  }

  std::vector<std::byte> memory_;
  std::vector<SlotStateCell> states_;
  std::vector<std::uint64_t> free_bits_;
  Slab<P> slab_;
};

}  // namespace trestle
