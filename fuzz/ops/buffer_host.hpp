// A BufferHeap in a buffer of the harness's, which it may lengthen, shorten and copy elsewhere between two ops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "block/buffer_heap.hpp"
#include "ops/instrument.hpp"
#include "ops/oracle.hpp"
#include "ops/program.hpp"
#include "ops/world.hpp"

namespace trestle::ops {

template <Policy P>
class BufferHeapHost {
 public:
  using EngineType = BufferHeap<P>;
  static constexpr const Policy& kPolicy = P;
  static constexpr Features kFeatures{.misuse = true, .corrupt = true, .capacity = kLargestBuffer};

  bool start(const Stage& stage, Oracle& oracle) {
    zeroed_ = stage.zeroed;
    at_ = place(here_, stage.skew);
    size_ = stage.buffer_bytes;
    permit_access(here_.get(), kStorage);
    std::memset(at_, fresh_byte(zeroed_), size_);
    fence_in(size_);
    heap_ = EngineType::create(at_, size_, kSecret, zeroed_);
    if (heap_ == nullptr && size_ >= EngineType::overhead() + kRoomForOne)
      oracle.violate(Expectation::engine_starts, "create refused %zu bytes", size_);
    return heap_ != nullptr;
  }
  [[nodiscard]] EngineType& engine() { return *heap_; }
  [[nodiscard]] const std::byte* first() const { return at_ + EngineType::overhead(); }
  [[nodiscard]] const std::byte* last() const { return at_ + heap_->size(); }
  [[nodiscard]] const char* wrong() const { return nullptr; }
  const char* stop() {
    heap_ = nullptr;
    return nullptr;
  }

  // Null is legal where no gap between live blocks has room for the block, its frame, its neighbour's pad and a bin's
  // rounding; the sizes of the gaps are the model's, not the heap's.
  [[nodiscard]] bool may_refuse(const Model& model, std::size_t size, std::size_t alignment) const {
    const std::size_t extra = alignment > kMinAlignment ? alignment + kRoomForOne : 0;
    const std::size_t need = size + extra + kRoomForOne;
    return Oracle::longest_gap(model, first(), last()) < need + need / 8 + kRoomForOne;
  }

  [[nodiscard]] Tier tier_of(const std::byte*) const { return Tier::block; }
  [[nodiscard]] bool is_accessible(const std::byte*, std::size_t) const { return true; }
  // The heap's record, but its last fault, which is the public face's memory of one call.
  template <class Visit>
  void for_each_record(Visit visit) {
    visit(at_, EngineType::overhead() - kHeaderBytes - kUnsealed);
  }
  void save() { std::memcpy(saved_.get(), at_, saved_bytes_ = heap_->size()); }
  void restore() { std::memcpy(at_, saved_.get(), saved_bytes_); }

  [[nodiscard]] std::size_t size() const { return heap_->size(); }
  [[nodiscard]] std::size_t smallest_size() const { return heap_->smallest_size(); }
  bool grow(std::size_t bytes) {
    const std::size_t before = size();
    permit_access(at_ + before, bytes - before);
    std::memset(at_ + before, fresh_byte(zeroed_), bytes - before);
    const bool grown = heap_->grow(bytes, zeroed_);
    fence_in(size());
    return grown;
  }
  bool shrink(std::size_t bytes) {
    const bool shrunk = heap_->shrink(bytes);
    fence_in(size());
    return shrunk;
  }
  std::optional<std::ptrdiff_t> relocate(std::size_t skew) {
    std::swap(here_, there_);
    std::byte* const to = place(here_, skew);
    const std::size_t bytes = size();
    permit_access(here_.get(), kStorage);
    std::memcpy(to, at_, bytes);
    const std::ptrdiff_t distance = to - at_;
    std::memset(at_, kScribble, bytes);
    forbid_access(there_.get(), kStorage);
    at_ = to;
    fence_in(bytes);
    heap_ = EngineType::attach(to, SIZE_MAX);
    if (heap_ == nullptr) return std::nullopt;
    return distance;
  }

 private:
  // AddressSanitizer reports every access to the storage outside of the buffer's first `bytes`.
  void fence_in(std::size_t bytes) {
    forbid_access(here_.get(), static_cast<std::size_t>(at_ - here_.get()));
    forbid_access(at_ + bytes, static_cast<std::size_t>(here_.get() + kStorage - (at_ + bytes)));
  }

  static constexpr std::size_t kRoomForOne = 128;
  static constexpr std::size_t kSkews = 256;
  static constexpr std::size_t kStorage = 4096 + kSkews * kMinAlignment + kLargestBuffer;
  static constexpr std::size_t kUnsealed = 16;
  static constexpr int kDirt = 0xA5;
  static constexpr int kScribble = 0xEE;

  [[nodiscard]] static constexpr int fresh_byte(bool zeroed) { return zeroed ? 0 : kDirt; }
  [[nodiscard]] static std::byte* place(const std::unique_ptr<std::byte[]>& storage, std::size_t skew) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage.get());
    return storage.get() + (4096 - address % 4096) % 4096 + skew % kSkews * kMinAlignment;
  }

  std::unique_ptr<std::byte[]> here_{new std::byte[kStorage]};
  std::unique_ptr<std::byte[]> there_{new std::byte[kStorage]};
  std::unique_ptr<std::byte[]> saved_{new std::byte[kLargestBuffer]};
  std::size_t saved_bytes_ = 0;
  std::byte* at_ = nullptr;
  std::size_t size_ = 0;
  EngineType* heap_ = nullptr;
  bool zeroed_ = false;
};

static_assert(ResizableHost<BufferHeapHost<kFast>>);

}  // namespace trestle::ops
