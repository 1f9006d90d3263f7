// A BitmapHeap in a buffer of the harness's.
#pragma once

#include <algorithm>
#include <cstddef>

#include "ops/buffer_owner.hpp"
#include "ops/oracle.hpp"
#include "ops/world.hpp"
#include "slab/bitmap_heap.hpp"

namespace trestle::ops {

template <Policy P>
class BitmapHeapHost : public BufferOwner<BitmapHeap<P>> {
  using Owner = BufferOwner<BitmapHeap<P>>;

 public:
  using typename Owner::EngineType;
  static constexpr const Policy& kPolicy = P;
  static constexpr Features kFeatures{.misuse = true,
                                      .corrupt = true,
                                      .kinds = false,
                                      .unit = P.canary ? 0 : EngineType::kUnit,
                                      .capacity = kLargestBuffer};

  bool start(const Stage& stage, Oracle& oracle) {
    const std::size_t page = std::max<std::size_t>(stage.page_bytes, EngineType::kLeastPage);
    const auto create = [page](std::byte* at, std::size_t bytes, bool zeroed) {
      return EngineType::create(at, bytes, kSecret, page, zeroed);
    };
    const bool started = Owner::start(stage, create);
    if (started != (stage.buffer_bytes >= page))
      oracle.violate(Expectation::engine_starts, "create of %u bytes by pages of %zu: %d", stage.buffer_bytes, page,
                     started);
    return started;
  }
  [[nodiscard]] const std::byte* first() const { return this->at() + units_at(0); }

  // Null is legal iff no page has the units in a row, counted from the model: nothing is lost between two blocks.
  [[nodiscard]] bool may_refuse(const Model& model, std::size_t size, std::size_t alignment) const {
    if (size > page()) return true;
    for (std::size_t at = 0; at < this->size(); at += page())
      if (has_room(model, this->at() + at + units_at(at), this->at() + at + page(), occupied(size), alignment))
        return false;
    return true;
  }

  [[nodiscard]] Tier tier_of(const std::byte*) const { return Tier::unit; }
  // The heap's record, but its last fault, which is the public face's memory of one call; and what each page begins with.
  template <class Visit>
  void for_each_record(Visit visit) {
    visit(this->at(), EngineType::kRecordBytes - kUnsealed);
    for (std::size_t at = 0; at < this->size(); at += page()) {
      const std::size_t header = EngineType::header_bytes(page());
      visit(this->at() + at + units_at(at) - header, header);
    }
  }

  [[nodiscard]] std::size_t size_step() const { return page(); }
  [[nodiscard]] std::size_t least_growth() const { return page(); }

 private:
  static constexpr std::size_t kUnsealed = 8;

  [[nodiscard]] std::size_t page() const { return this->heap().page_bytes(); }
  // How far the first unit of the page at that offset is from the page's start.
  [[nodiscard]] std::size_t units_at(std::size_t offset) const {
    return EngineType::header_bytes(page()) + (offset == 0 ? EngineType::kRecordBytes : 0);
  }
  [[nodiscard]] static std::size_t occupied(std::size_t size) {
    return std::max(kMinAlignment, align_up(size + (P.canary ? 1 : 0), kMinAlignment));
  }
  [[nodiscard]] static bool has_room(const Model& model, const std::byte* from, const std::byte* to, std::size_t bytes,
                                     std::size_t alignment) {
    const auto fits = [=](const std::byte* first, const std::byte* last) {
      return align_up(address_of(first), alignment) + bytes <= address_of(last);
    };
    for (const SlotId slot : model.live()) {
      const LiveBlock& block = model.at(slot);
      if (block.address < from || block.address >= to) continue;
      if (fits(from, block.address)) return true;
      from = block.address + occupied(block.size);
    }
    return fits(from, to);
  }
};

static_assert(ResizableHost<BitmapHeapHost<kFast>>);

}  // namespace trestle::ops
