// Slots of one size class that are ready for one thread, kept as addresses in an array, and those that it freed a moment ago,
// which wait in a ring before they are ready again. With random reuse a newcomer takes the place of any other.
// Those that the thread freed and that lie in slabs of another arena go home to it, some at a time, and are not used here: two
// threads would write to one line of the processor's cache, to what lies beside and to the states.
//
//   slots_ | ready ... | room to capacity, to most | waiting ... | going home ... |
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/keyed.hpp"
#include "base/policy.hpp"
#include "base/sync.hpp"
#include "slab/size_class.hpp"

namespace trestle {

template <Policy P>
class alignas(64) Magazine {  // a cache line, so that its place is a shift away
 public:
  // So many slots of the class at most, by bytes: a hot class of small slots holds many, one of large slots a few.
  [[nodiscard]] static constexpr std::size_t most(SizeClass size_class) noexcept {
    constexpr std::size_t kBytes = std::size_t{64} << 10;
    return std::clamp<std::size_t>(kBytes / slot_bytes(size_class), 2, 128);
  }
  // Slots that wait at once, no more than half of those that can be ready.
  [[nodiscard]] static constexpr std::size_t delay(SizeClass size_class) noexcept {
    return std::min<std::size_t>(P.slot_delay, most(size_class) / 2);
  }
  // Slots on their way home at once: those that wait, and a batch.
  [[nodiscard]] static constexpr std::size_t homebound_room(SizeClass size_class) noexcept {
    return delay(size_class) + most(size_class) / 2;
  }
  // Room that the arrays need.
  [[nodiscard]] static constexpr std::size_t room(SizeClass size_class) noexcept {
    return most(size_class) + delay(size_class) + homebound_room(size_class);
  }

  constexpr Magazine() noexcept = default;
  void start(void** array, SizeClass size_class) noexcept {
    slots_ = array;
    most_ = static_cast<std::uint16_t>(most(size_class));
    if constexpr (P.poison)
      last_poison_ = static_cast<std::uint16_t>(std::min(slot_bytes(size_class), P.poison_limit) - 1);
    delay_ = static_cast<std::uint16_t>(delay(size_class));
    homebound_room_ = static_cast<std::uint16_t>(homebound_room(size_class));
    capacity_ = std::max<std::uint16_t>(2, most_ / 8);
  }

  // Slots of the class that the thread has handed out, and taken back.
  Shared<std::uint64_t> taken;
  Shared<std::uint64_t> given;
  // When so many were taken, or more, the next request of the class is a sample.
  Shared<std::uint64_t> sample_at = UINT64_MAX;
  [[nodiscard]] bool is_sample_due() const noexcept { return P.sampled && taken >= sample_at; }

  // Null: none is ready. The next one's first bytes are asked for meanwhile: whoever gets it writes there. So are, where it is
  // verified, the last that are poison.
  [[nodiscard]] void* pop() noexcept {
    if (ready_ == 0) [[unlikely]]
      return nullptr;
    void* const slot = slots_[--ready_];
    if (ready_ != 0) [[likely]] {
      __builtin_prefetch(slots_[ready_ - 1], 1);
      if constexpr (P.poison) __builtin_prefetch(static_cast<std::byte*>(slots_[ready_ - 1]) + last_poison_, 1);
    }
    return slot;
  }
  // The one that pop gave last, where it was.
  void put_back(void* slot) noexcept { slots_[ready_++] = slot; }

  [[nodiscard]] bool is_full() const noexcept { return ready_ == capacity_; }
  // A slot just freed; not when it is full.
  void push(void* slot, std::uint64_t& random) noexcept {
    if constexpr (P.slot_delay != 0) {
      if (waiting_ < delay_) [[unlikely]] {
        slots_[most_ + waiting_++] = slot;
        return;
      }
      std::swap(slots_[most_ + oldest_], slot);
      oldest_ = oldest_ + 1U == delay_ ? 0 : static_cast<std::uint16_t>(oldest_ + 1);
    }
    const std::size_t count = ready_;
    ready_ = static_cast<std::uint16_t>(count + 1);
    if constexpr (!P.random_reuse) {
      slots_[count] = slot;
    } else if (count < kFew) [[unlikely]] {
      const std::size_t at = quick_below(random, count + 1);
      slots_[count] = slots_[at];
      slots_[at] = slot;
    } else {
      // The next one to go stays that, being on its way to the cache; who follows it is chosen now.
      const std::size_t at = quick_below(random, count);
      slots_[count] = slots_[count - 1];
      slots_[count - 1] = slots_[at];
      slots_[at] = slot;
    }
  }

  // A slot just freed that lies in a slab of another arena; not when there is no room.
  [[nodiscard]] bool has_room_homebound() const noexcept { return homebound_ != homebound_room_; }
  void send_home(void* slot) noexcept { slots_[most_ + delay_ + homebound_++] = slot; }

  // Where a batch of slots is to be put, while none is ready; and that so many came, in address order. With random reuse they
  // are handed out from the left or from the right; in an order of its own a batch would cost whoever walks through what it
  // allocated half as much again (docs/design.md).
  [[nodiscard]] std::span<void*> empty_half() noexcept { return {slots_, std::max<std::size_t>(1, capacity_ / 2U)}; }
  // `shuffled`: in any order, where no slot that is freed comes here to bring one in.
  void filled(std::size_t count, bool shuffled, std::uint64_t& random) noexcept {
    ready_ = static_cast<std::uint16_t>(count);
    unneeded_ = 0;
    if constexpr (P.random_reuse) {
      if (shuffled)
        for (std::size_t left = count; left > 1; --left)
          std::swap(slots_[left - 1], slots_[random_below(random, left)]);
      else if (random_below(random, 2) != 0)
        std::reverse(slots_, slots_ + count);
    }
  }
  // The class is hot: it may hold twice as many.
  void grow() noexcept { capacity_ = static_cast<std::uint16_t>(std::min<unsigned>(most_, capacity_ * 2U)); }

  // Slots to give up: the older half of those ready; of those that nobody needed since the last look, half; or all.
  [[nodiscard]] std::span<void*> older_half() noexcept { return {slots_, (ready_ + 1U) / 2U}; }
  [[nodiscard]] std::span<void*> idle() noexcept { return {slots_, std::min(unneeded_, ready_) / 2U}; }
  [[nodiscard]] std::span<void*> ready() noexcept { return {slots_, ready_}; }
  [[nodiscard]] std::span<void*> waiting() noexcept { return {slots_ + most_, waiting_}; }
  // Those on their way home, the oldest first; those of them after which enough others were freed; and that so many of the
  // first arrived.
  [[nodiscard]] std::span<void*> homebound() noexcept { return {slots_ + most_ + delay_, homebound_}; }
  [[nodiscard]] std::span<void*> arriving() noexcept {
    return homebound().first(homebound_ > delay_ ? homebound_ - delay_ : 0U);
  }
  void arrived(std::size_t count) noexcept {
    const std::span<void*> slots = homebound();
    std::copy(slots.begin() + static_cast<std::ptrdiff_t>(count), slots.end(), slots.begin());
    homebound_ = static_cast<std::uint16_t>(homebound_ - count);
  }
  // So many of the first ready ones were given up.
  void dropped(std::size_t count) noexcept {
    std::copy(slots_ + count, slots_ + ready_, slots_);
    ready_ = static_cast<std::uint16_t>(ready_ - count);
  }
  void drop_waiting() noexcept { waiting_ = oldest_ = 0; }
  // From now on those that are ready are not needed, until a batch is.
  void begin_look() noexcept { unneeded_ = ready_; }

 private:
  static constexpr std::size_t kFew = 4;  // of so many ready, not even the next one is certain

  void** slots_ = nullptr;
  std::uint16_t ready_ = 0;
  std::uint16_t capacity_ = 0;
  std::uint16_t waiting_ = 0;
  std::uint16_t oldest_ = 0;
  std::uint16_t most_ = 0;
  std::uint16_t delay_ = 0;
  std::uint16_t last_poison_ = 0;  // how far from a slot's start its last byte of poison lies
  std::uint16_t homebound_ = 0;
  std::uint16_t homebound_room_ = 0;
  std::uint16_t unneeded_ = 0;  // were ready at the last look, and no batch was needed since
};

}  // namespace trestle
