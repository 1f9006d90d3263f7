// trestle::block_heap: the public face of BufferHeap<kHardened>. The object is the record at the buffer's start.
#include <trestle/block_heap.hpp>

#include "base/policy.hpp"
#include "block/buffer_heap.hpp"
#include "shim/buffer_face.hpp"

namespace trestle {
namespace {

using Inner = BufferHeap<kHardened>;

Inner& inner(block_heap* heap) noexcept { return *reinterpret_cast<Inner*>(heap); }
Inner& inner(const block_heap* heap) noexcept { return *reinterpret_cast<Inner*>(const_cast<block_heap*>(heap)); }

}  // namespace

std::size_t block_heap::overhead() noexcept { return Inner::overhead(); }

block_heap* block_heap::create(void* buffer, std::size_t bytes, std::uint64_t secret, bool zeroed) noexcept {
  return reinterpret_cast<block_heap*>(Inner::create(buffer, bytes, secret, zeroed));
}
block_heap* block_heap::attach(void* buffer, std::size_t bytes) noexcept {
  return reinterpret_cast<block_heap*>(Inner::attach(buffer, bytes));
}

void* block_heap::allocate(std::size_t size, std::size_t alignment) noexcept {
  return allocate_publicly(inner(this), size, alignment);
}
trestle_fault_kind block_heap::deallocate(void* block) noexcept {
  return public_kind(inner(this).deallocate(block, {.kind = Kind::none}).kind);
}
void* block_heap::reallocate(void* block, std::size_t size) noexcept {
  return hand_out(inner(this), inner(this).reallocate(block, size));
}

std::size_t block_heap::usable_size(const void* block) const noexcept { return inner(this).usable_size(block).bytes; }
trestle_fault_kind block_heap::last_fault() const noexcept { return public_kind(inner(this).last_fault()); }
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
  return check_publicly(inner(this), room);
}
int block_heap::walk(trestle_visitor visitor, void* context) const noexcept {
  return walk_publicly(inner(this), visitor, context);
}

}  // namespace trestle
