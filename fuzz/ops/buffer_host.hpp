// A BufferHeap in a buffer of the harness's.
#pragma once

#include <cstddef>

#include "block/buffer_heap.hpp"
#include "ops/buffer_owner.hpp"
#include "ops/oracle.hpp"
#include "ops/world.hpp"

namespace trestle::ops {

template <Policy P>
class BufferHeapHost : public BufferOwner<BufferHeap<P>> {
  using Owner = BufferOwner<BufferHeap<P>>;

 public:
  using typename Owner::EngineType;
  static constexpr const Policy& kPolicy = P;
  static constexpr Features kFeatures{.misuse = true, .corrupt = true, .capacity = kLargestBuffer};

  bool start(const Stage& stage, Oracle& oracle) {
    const auto create = [](std::byte* at, std::size_t bytes, bool zeroed) {
      return EngineType::create(at, bytes, kSecret, zeroed);
    };
    const bool started = Owner::start(stage, create);
    if (!started && stage.buffer_bytes >= EngineType::overhead() + kRoomForOne)
      oracle.violate(Expectation::engine_starts, "create refused %u bytes", stage.buffer_bytes);
    return started;
  }
  [[nodiscard]] const std::byte* first() const { return this->at() + EngineType::overhead(); }

  // Null is legal where no gap between live blocks has room for the block, its frame, its neighbour's pad and a bin's
  // rounding; the sizes of the gaps are the model's, not the heap's.
  [[nodiscard]] bool may_refuse(const Model& model, std::size_t size, std::size_t alignment) const {
    const std::size_t extra = alignment > kMinAlignment ? alignment + kRoomForOne : 0;
    const std::size_t need = size + extra + kRoomForOne;
    return Oracle::longest_gap(model, first(), this->last()) < need + need / 8 + kRoomForOne;
  }

  [[nodiscard]] Stray never_a_block() const { return {this->at() + kMinAlignment, FaultKind::wild_pointer}; }
  [[nodiscard]] Tier tier_of(const std::byte*) const { return Tier::block; }
  // The heap's record, but its last fault, which is the public face's memory of one call.
  template <class Visit>
  void for_each_record(Visit visit) {
    visit(this->at(), EngineType::overhead() - kHeaderBytes - kUnsealed);
  }

  [[nodiscard]] static std::size_t size_step() { return kMinAlignment; }
  [[nodiscard]] static std::size_t least_growth() { return kMinBlock; }

 private:
  static constexpr std::size_t kRoomForOne = 128;
  static constexpr std::size_t kUnsealed = 16;
};

static_assert(ResizableHost<BufferHeapHost<kFast>>);

}  // namespace trestle::ops
