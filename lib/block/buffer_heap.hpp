// A heap in one buffer of the caller's. Its record lies at the buffer's start and is the place that all offsets count
// from, so the buffer may be mapped anywhere. No quarantine: a small heap cannot spare the memory.
//
//   | BufferHeap | block | block | ... | end header |       seal_ = tag over {bytes_, key}, I17
#pragma once

#include <new>

#include "block/block_engine.hpp"

namespace trestle {

template <Policy P>
class BufferHeap : public BlockEngine<P, BufferHeap<P>> {
  using Base = BlockEngine<P, BufferHeap<P>>;
  friend Base;

 public:
  [[nodiscard]] static constexpr std::size_t overhead() noexcept { return kRecordBytes + kHeaderBytes; }

  [[nodiscard]] static BufferHeap* create(void* buffer, std::size_t bytes, std::uint64_t secret, bool zeroed) noexcept {
    bytes = align_down(bytes, kMinAlignment);
    if (buffer == nullptr || !is_aligned(buffer, kMinAlignment)) return nullptr;
    if (bytes < overhead() + kMinBlock || bytes > kMaxBlockBytes) return nullptr;
    auto* const heap = new (buffer) BufferHeap;
    heap->start(key_from(secret));
    heap->set_bytes(bytes);
    heap->add_extent(heap->extent(), zeroed);
    return heap;
  }
  // `bytes`: how many there are at `buffer`; null iff no sound heap of at most that size is there.
  [[nodiscard]] static BufferHeap* attach(void* buffer, std::size_t bytes) noexcept {
    if (buffer == nullptr || !is_aligned(buffer, kMinAlignment) || bytes < overhead() + kMinBlock) return nullptr;
    auto* const heap = static_cast<BufferHeap*>(buffer);
    return heap->is_sealed() && heap->size() <= bytes ? heap : nullptr;
  }
  Allocation allocate(std::size_t size, std::size_t alignment, Kind kind) noexcept {
    if (!is_sealed()) [[unlikely]]
      return {this, FaultKind::control_corrupt};
    return Base::allocate(size, alignment, kind);
  }

  Verdict deallocate(void* payload, const Release& how) noexcept {
    if (payload == nullptr) return {};
    if (!is_sealed()) [[unlikely]]
      return {FaultKind::control_corrupt, this};
    return this->release(payload, how);
  }
  Allocation reallocate(void* payload, std::size_t size) noexcept;
  [[nodiscard]] Sized usable_size(const void* payload) const noexcept {
    if (payload == nullptr) return {};
    if (!is_sealed()) [[unlikely]]
      return {0, FaultKind::control_corrupt};
    Header header = Header::end(true);
    if (const Verdict v = this->find_live(payload, header); v.is_fault()) [[unlikely]]
      return {0, as_stale(v).kind};
    return {header.requested(), FaultKind::none};
  }

  void check(CheckLevel level, FaultSink& sink) const noexcept;
  bool walk(BlockVisitor visitor) const noexcept { return !is_sealed() || this->walk_extent(extent(), visitor); }

  // What the last call that hands out blocks found; kept here so that the public face needs no state of its own.
  [[nodiscard]] FaultKind last_fault() const noexcept { return last_fault_; }
  void set_last_fault(FaultKind kind) noexcept { last_fault_ = kind; }

  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }
  bool grow(std::size_t bytes, bool zeroed) noexcept;
  bool shrink(std::size_t bytes) noexcept;
  [[nodiscard]] std::size_t smallest_size() const noexcept;

 private:
  BufferHeap() noexcept = default;

  static constexpr std::size_t kRecordBytes = align_up(sizeof(Base) + 3 * sizeof(std::uint64_t), kMinAlignment);

  [[nodiscard]] Extent extent() const noexcept {
    auto* const start = reinterpret_cast<std::byte*>(const_cast<BufferHeap*>(this));
    return {start + kRecordBytes, bytes_ - kRecordBytes};
  }
  static constexpr FaultKind kBesideExtents = FaultKind::wild_pointer;
  [[nodiscard]] Extent extent_of(const std::byte* at) const noexcept {
    const Extent all = extent();
    return all.holds(at, 1) ? all : Extent{};
  }
  [[nodiscard]] std::uint64_t seal() const noexcept { return tag_of(this->key(), this->key().low, bytes_); }
  [[nodiscard]] bool is_sealed() const noexcept {
    return seal_ == seal() && bytes_ >= overhead() + kMinBlock && bytes_ <= kMaxBlockBytes &&
           is_aligned(bytes_, kMinAlignment);
  }
  void set_bytes(std::uint64_t bytes) noexcept {
    bytes_ = bytes;
    seal_ = seal();
  }
  // The free block that ends the heap, if one does.
  [[nodiscard]] std::optional<Block> last_free() const noexcept;

  std::uint64_t bytes_ = 0;
  std::uint64_t seal_ = 0;
  FaultKind last_fault_ = FaultKind::none;
};

template <Policy P>
Allocation BufferHeap<P>::reallocate(void* payload, std::size_t size) noexcept {
  if (payload == nullptr) return allocate(size, kMinAlignment, Kind::by_malloc);
  if (!is_sealed()) [[unlikely]]
    return {this, FaultKind::control_corrupt};
  const Allocation resized = this->resize(payload, size);
  if (resized.is_fault()) [[unlikely]]
    return Allocation::failed(as_stale(resized.verdict()));
  if (resized.payload != nullptr) return resized;
  Header header = Header::end(true);
  if (const Verdict v = this->find_live(payload, header); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  if (const Verdict v = this->vet_neighbours(payload); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  const Allocation moved = this->allocate(size, kMinAlignment, header.kind());
  if (moved.is_fault() || moved.payload == nullptr) return moved;
  std::memcpy(moved.payload, payload, std::min(size, header.requested()));
  if (const Verdict v = deallocate(payload, {.kind = Kind::none}); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  return moved;
}

template <Policy P>
void BufferHeap<P>::check(CheckLevel level, FaultSink& sink) const noexcept {
  if (!is_sealed()) {
    sink.add({.kind = FaultKind::control_corrupt, .address = this, .expected = seal(), .found = seal_});  // I17
    return;
  }
  BlockTally tally;
  if (!this->check_extent(extent(), level, sink, tally)) return;
  this->check_bins(sink, tally);
  this->check_counts(sink, tally);
}

template <Policy P>
std::optional<Block> BufferHeap<P>::last_free() const noexcept {
  const Extent all = extent();
  const std::optional<Header> end = this->load(all.end_header());
  if (!end || !end->is_end() || end->is_previous_used()) return std::nullopt;
  const Block at_end{all.end_header(), *end};
  std::optional<Block> last;
  if (this->vet_left(all, at_end, last).is_fault()) return std::nullopt;
  return last;
}

template <Policy P>
std::size_t BufferHeap<P>::smallest_size() const noexcept {
  if (!is_sealed()) return 0;
  const std::optional<Block> last = last_free();
  if (!last) return bytes_;
  const Extent all = extent();
  const std::byte* const end = last->at == all.begin ? last->at + kMinBlock : last->at;
  return kRecordBytes + static_cast<std::size_t>(end - all.begin) + kHeaderBytes;
}

// The old end header becomes a retired block of the new bytes, which then coalesces as any other.
template <Policy P>
bool BufferHeap<P>::grow(std::size_t bytes, bool zeroed) noexcept {
  bytes = align_down(bytes, kMinAlignment);
  if (!is_sealed() || bytes > kMaxBlockBytes || bytes < bytes_ + kMinBlock) return false;
  std::byte* const at = extent().end_header();
  const std::optional<Header> end = this->load(at);
  if (!end || !end->is_end()) return false;
  const std::size_t added = bytes - bytes_;
  std::optional<Block> last;
  if (this->vet_left(extent(), Block{at, *end}, last).is_fault()) return false;
  if (zeroed && this->is_dirty(at + kHeaderBytes, added - kHeaderBytes)) zeroed = false;
  set_bytes(bytes);
  this->store(extent().end_header(), Header::end(true));
  return this->add_retired(at, added, end->is_previous_used(), zeroed);
}

template <Policy P>
bool BufferHeap<P>::shrink(std::size_t bytes) noexcept {
  bytes = align_down(bytes, kMinAlignment);
  if (!is_sealed() || bytes > bytes_ || bytes < smallest_size()) return false;
  if (bytes == bytes_) return true;
  const std::optional<Block> last = last_free();
  if (!last) return false;
  std::size_t kept = bytes - kHeaderBytes - kRecordBytes - static_cast<std::size_t>(last->at - extent().begin);
  if (kept < kMinBlock) kept = 0;
  this->truncate(*last, kept);
  set_bytes(kRecordBytes + static_cast<std::size_t>(last->at - extent().begin) + kept + kHeaderBytes);
  return true;
}

}  // namespace trestle
