// trestle::block_heap: the public face of BufferHeap<kHardened>. The object is the record at the buffer's start.
#include <algorithm>
#include <trestle/block_heap.hpp>

#include "base/policy.hpp"
#include "block/buffer_heap.hpp"
#include "report/report.hpp"

namespace trestle {
namespace {

using Inner = BufferHeap<kHardened>;

Inner& inner(block_heap* heap) noexcept { return *reinterpret_cast<Inner*>(heap); }
Inner& inner(const block_heap* heap) noexcept { return *reinterpret_cast<Inner*>(const_cast<block_heap*>(heap)); }

std::uint64_t offset_in(const block_heap* heap, const void* at) noexcept { return address_of(at) - address_of(heap); }

struct PublicWalk {
  trestle_visitor visitor;
  void* context;
  const block_heap* heap;
  int last;
};

}  // namespace

std::size_t block_heap::overhead() noexcept { return Inner::overhead(); }

block_heap* block_heap::create(void* buffer, std::size_t bytes, std::uint64_t secret, bool zeroed) noexcept {
  return reinterpret_cast<block_heap*>(Inner::create(buffer, bytes, secret, zeroed));
}
block_heap* block_heap::attach(void* buffer, std::size_t bytes) noexcept {
  return reinterpret_cast<block_heap*>(Inner::attach(buffer, bytes));
}

void* block_heap::allocate(std::size_t size, std::size_t alignment) noexcept {
  if (!is_power_of_two(alignment)) return nullptr;
  const Allocation made = inner(this).allocate(size, std::max(alignment, kMinAlignment), Kind::by_malloc);
  inner(this).set_last_fault(made.kind);
  return made.is_fault() ? nullptr : made.payload;
}

trestle_fault_kind block_heap::deallocate(void* block) noexcept {
  return static_cast<trestle_fault_kind>(inner(this).deallocate(block, {.kind = Kind::none}).kind);
}

void* block_heap::reallocate(void* block, std::size_t size) noexcept {
  const Allocation made = inner(this).reallocate(block, size);
  inner(this).set_last_fault(made.kind);
  return made.is_fault() ? nullptr : made.payload;
}

std::size_t block_heap::usable_size(const void* block) const noexcept { return inner(this).usable_size(block).bytes; }
trestle_fault_kind block_heap::last_fault() const noexcept {
  return static_cast<trestle_fault_kind>(inner(this).last_fault());
}
bool block_heap::grow(std::size_t bytes, bool zeroed) noexcept { return inner(this).grow(bytes, zeroed); }
bool block_heap::shrink(std::size_t bytes) noexcept { return inner(this).shrink(bytes); }
std::size_t block_heap::smallest_size() const noexcept { return inner(this).smallest_size(); }
std::size_t block_heap::size() const noexcept { return inner(this).size(); }

block_heap::usage block_heap::stats() const noexcept {
  const BlockTally& counts = inner(this).counts();
  return {counts.live_blocks, counts.live_bytes, counts.free_bytes - counts.free_blocks * kHeaderBytes,
          inner(this).largest_free()};
}

std::size_t block_heap::check(std::span<trestle_fault> room) const noexcept {
  struct Out {
    const block_heap* heap;
    std::span<trestle_fault> room;
  } out{this, room};
  const auto put = [](const Fault& fault, std::size_t index, void* to) {
    const Out& where = *static_cast<const Out*>(to);
    if (index < where.room.size()) where.room[index] = publish(fault, offset_in(where.heap, fault.address));
  };
  FaultSink sink(put, &out);
  inner(this).check(CheckLevel::full, sink);
  return sink.count();
}

int block_heap::walk(trestle_visitor visitor, void* context) const noexcept {
  PublicWalk walk{visitor, context, this, 0};
  const auto visit = [](const BlockView& view, void* to) {
    auto& out = *static_cast<PublicWalk*>(to);
    const trestle_block block{const_cast<std::byte*>(view.payload),
                              offset_in(out.heap, view.payload),
                              view.requested,
                              view.served,
                              static_cast<trestle_block_state>(view.state),
                              static_cast<trestle_block_kind>(view.kind)};
    out.last = out.visitor(&block, out.context);
    return out.last == 0;
  };
  (void)inner(this).walk({visit, &walk});
  return walk.last;
}

}  // namespace trestle
