// The model: which logical slot holds which block, in an ideal heap that never runs out. It is deliberately naive, so that
// it is right by looking at it: an array of slots, and the live ones in address order.
//   live().size() == number of slots that are not empty;  live()[i].address < live()[i + 1].address once settled
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/engine.hpp"
#include "ops/instrument.hpp"

namespace trestle::ops {

inline constexpr std::size_t kSlots = 64;

// A logical slot: operands name it instead of a block, so that dropping one op leaves the meaning of the rest.
enum class SlotId : std::uint8_t {};
constexpr std::size_t index_of(SlotId slot) noexcept { return static_cast<std::size_t>(slot) % kSlots; }

// What an engine offers beyond allocate, deallocate and reallocate.
struct Features {
  bool zeroed = false;         // allocate_zeroed
  bool trim = false;           // trim
  bool clock = false;          // the harness owns its clock
  bool misuse = false;         // mistakes can be made with it and judged
  bool corrupt = false;        // its own bytes can be overwritten and judged
  bool stats = false;          // it counts, and explains a fault
  bool refusals = false;       // its system refuses calls
  bool threads = false;        // the harness says which thread calls
  bool at_once = false;        // its threads run at once
  bool settings = false;       // it can be set while it serves
  bool kinds = true;           // it knows by which family of functions a block was asked for
  bool slots_rounded = false;  // of what a slot serves it knows no more than the slot's size
  bool opaque = false;         // it cannot be checked or walked, and tells of a size no more than that it is enough
  std::size_t unit = 0;        // of any request it knows no more than whole units of so many bytes; 0: it knows more
  std::size_t capacity = 0;    // bytes that its buffer may grow to; 0: it has no buffer
  [[nodiscard]] bool has_buffer() const noexcept { return capacity != 0; }
};

struct LiveBlock {
  std::byte* address = nullptr;
  std::size_t size = 0;
  std::size_t alignment = kMinAlignment;
  Kind kind = Kind::by_malloc;
  std::uint32_t seed = 0;  // of the bytes that its owner filled it with

  // A block of no bytes occupies its address all the same.
  [[nodiscard]] std::size_t extent() const noexcept { return size == 0 ? 1 : size; }
  [[nodiscard]] std::byte* end() const noexcept { return address + extent(); }
};

class Model {
 public:
  Model() = default;
  Model(Features features, std::size_t buffer_bytes, std::size_t slot_limit, std::size_t arenas)
      : features_(features), buffer_bytes_(buffer_bytes), slot_limit_(slot_limit), arenas_(arenas) {}

  [[nodiscard]] const Features& features() const noexcept { return features_; }
  [[nodiscard]] std::size_t buffer_bytes() const noexcept { return buffer_bytes_; }
  [[nodiscard]] std::size_t slot_limit() const noexcept { return slot_limit_; }
  [[nodiscard]] bool is_empty(SlotId slot) const noexcept { return !used_[index_of(slot)]; }
  [[nodiscard]] const LiveBlock& at(SlotId slot) const noexcept { return slots_[index_of(slot)]; }
  [[nodiscard]] std::span<const SlotId> live() const noexcept { return {order_.data(), count_}; }
  // What a heap that reuses nothing would have needed so far, and what it needs for one more block at most: a small one up
  // to an eighth more than it asked for, and where it is the first of its size, a slab of eight in each arena, twice,
  // since there may be two slabs for such sizes.
  [[nodiscard]] std::size_t charged_bytes() const noexcept { return charged_bytes_; }
  [[nodiscard]] std::size_t charge_of(std::size_t size, std::size_t alignment) const noexcept {
    const std::size_t block = framed(size, alignment);
    if (!is_small(size, alignment)) return (block + kPage + kGranule - 1) / kGranule * kGranule;
    if (seen_[size_class_of(block)]) return block + block / 8;
    const std::size_t slot = std::min(block + block / 8, slot_limit_);
    return 2 * arenas_ * ((8 * slot + kGranule - 1) / kGranule * kGranule);
  }

  TRESTLE_NO_FEEDBACK void place(SlotId slot, std::size_t size, std::size_t alignment, Kind kind) noexcept {
    used_[index_of(slot)] = true;
    slots_[index_of(slot)] = LiveBlock{nullptr, size, alignment, kind, ++seeds_};
    order_[count_++] = slot;
    charge(size, alignment);
  }
  TRESTLE_NO_FEEDBACK void remove(SlotId slot) noexcept {
    used_[index_of(slot)] = false;
    freed_[frees_++ % kFormer] = slots_[index_of(slot)].address;
    const auto end = order_.begin() + static_cast<std::ptrdiff_t>(count_);
    std::copy(std::find(order_.begin(), end, slot) + 1, end, std::find(order_.begin(), end, slot));
    --count_;
  }
  // realloc need not keep more than fundamental alignment.
  TRESTLE_NO_FEEDBACK void resize(SlotId slot, std::size_t size) noexcept {
    slots_[index_of(slot)].size = size;
    slots_[index_of(slot)].alignment = kMinAlignment;
    charge(size, kMinAlignment);
  }
  void resize_buffer(std::size_t bytes) noexcept { buffer_bytes_ = bytes; }

  // Where the heap put the block; the live blocks stay in address order.
  TRESTLE_NO_FEEDBACK void settle(SlotId slot, std::byte* address) noexcept {
    slots_[index_of(slot)].address = address;
    auto* const first = order_.data();
    auto* at = std::find(first, first + count_, slot);
    for (; at != first && at_address(at[-1]) > address; --at) std::swap(at[-1], at[0]);
    for (; at + 1 != first + count_ && at_address(at[1]) < address; ++at) std::swap(at[0], at[1]);
  }
  // The whole buffer moved: addresses change, only fundamental alignment is left.
  TRESTLE_NO_FEEDBACK void translate(std::ptrdiff_t distance) noexcept {
    for (const SlotId slot : live()) {
      slots_[index_of(slot)].address += distance;
      slots_[index_of(slot)].alignment = kMinAlignment;
    }
    frees_ = 0;
    freed_ = {};
  }

  // The address of one of the blocks freed last, whatever is there by now; null: none was.
  [[nodiscard]] std::byte* freed(std::size_t nth) const noexcept {
    return frees_ == 0 ? nullptr : freed_[nth % std::min(frees_, kFormer)];
  }

  // The first live block, in address order, that ends behind `address`; null: none. The cursor, 0 at first, is then where it
  // was found, so that whoever asks for one address after the other, and rarely back, has it at once.
  [[nodiscard]] TRESTLE_NO_FEEDBACK const LiveBlock* first_ending_after(const std::byte* address,
                                                                        std::size_t& cursor) const noexcept {
    cursor = std::min(cursor, count_);
    while (cursor != 0 && at(order_[cursor - 1]).end() > address) --cursor;
    while (cursor != count_ && at(order_[cursor]).end() <= address) ++cursor;
    return cursor == count_ ? nullptr : &at(order_[cursor]);
  }

 private:
  static constexpr std::size_t kGranule = 64 << 10;
  static constexpr std::size_t kPage = 4 << 10;
  static constexpr std::size_t kLargestSmall = 16 << 10;  // beyond that, whole granules, a page of guard and a lead

  [[nodiscard]] static constexpr std::size_t framed(std::size_t size, std::size_t alignment) noexcept {
    constexpr std::size_t kFrame = 64;
    return size + (alignment > kMinAlignment ? alignment : 0) + kFrame;
  }
  [[nodiscard]] bool is_small(std::size_t size, std::size_t alignment) const noexcept {
    const std::size_t largest = std::max(kLargestSmall, slot_limit_);
    return size <= largest && alignment <= largest;
  }
  // Sizes that may be served from one slab, or from two in the first eighth above a power of two: equal but for the last eighth
  // of the power of two below.
  [[nodiscard]] static constexpr std::size_t size_class_of(std::size_t bytes) noexcept {
    const auto power = static_cast<std::size_t>(std::bit_width(bytes));
    return power * 8 + (bytes >> (power > 4 ? power - 4 : 0)) % 8;
  }
  void charge(std::size_t size, std::size_t alignment) noexcept {
    charged_bytes_ += charge_of(size, alignment);
    if (is_small(size, alignment)) seen_[size_class_of(framed(size, alignment))] = true;
  }
  [[nodiscard]] const std::byte* at_address(SlotId slot) const noexcept { return slots_[index_of(slot)].address; }

  std::array<LiveBlock, kSlots> slots_{};
  std::array<bool, kSlots> used_{};
  std::array<SlotId, kSlots> order_{};
  static constexpr std::size_t kFormer = 16;
  std::array<std::byte*, kFormer> freed_{};
  std::size_t frees_ = 0;
  std::size_t count_ = 0;
  static constexpr std::size_t kClasses = 256;
  std::array<bool, kClasses> seen_{};
  std::size_t charged_bytes_ = 0;
  std::uint32_t seeds_ = 0;
  Features features_{};
  std::size_t buffer_bytes_ = 0;
  std::size_t slot_limit_ = 0;
  std::size_t arenas_ = 1;
};

}  // namespace trestle::ops
