// trestle::bitmap_heap: the public face of BitmapHeap<kHardened>. The object is the record at the buffer's start.
#include "slab/bitmap_heap.hpp"

#include <trestle/bitmap_heap.hpp>

#include "base/policy.hpp"
#include "shim/buffer_face.hpp"

namespace trestle {
namespace {

using Inner = BitmapHeap<kHardened>;

Inner& inner(bitmap_heap* heap) noexcept { return *reinterpret_cast<Inner*>(heap); }
Inner& inner(const bitmap_heap* heap) noexcept { return *reinterpret_cast<Inner*>(const_cast<bitmap_heap*>(heap)); }

}  // namespace

bitmap_heap* bitmap_heap::create(void* buffer, std::size_t bytes, std::uint64_t secret, std::size_t page_bytes,
                                 bool zeroed) noexcept {
  return reinterpret_cast<bitmap_heap*>(Inner::create(buffer, bytes, secret, page_bytes, zeroed));
}
bitmap_heap* bitmap_heap::attach(void* buffer, std::size_t bytes) noexcept {
  return reinterpret_cast<bitmap_heap*>(Inner::attach(buffer, bytes));
}

void* bitmap_heap::allocate(std::size_t size, std::size_t alignment) noexcept {
  return allocate_publicly(inner(this), size, alignment);
}
trestle_fault_kind bitmap_heap::deallocate(void* block) noexcept {
  return public_kind(inner(this).deallocate(block, {.kind = Kind::none}).kind);
}
void* bitmap_heap::reallocate(void* block, std::size_t size) noexcept {
  return hand_out(inner(this), inner(this).reallocate(block, size));
}

std::size_t bitmap_heap::usable_size(const void* block) const noexcept { return inner(this).usable_size(block).bytes; }
trestle_fault_kind bitmap_heap::last_fault() const noexcept { return public_kind(inner(this).last_fault()); }
bool bitmap_heap::grow(std::size_t bytes, bool zeroed) noexcept { return inner(this).grow(bytes, zeroed); }
bool bitmap_heap::shrink(std::size_t bytes) noexcept { return inner(this).shrink(bytes); }
std::size_t bitmap_heap::smallest_size() const noexcept { return inner(this).smallest_size(); }
std::size_t bitmap_heap::size() const noexcept { return inner(this).size(); }
std::size_t bitmap_heap::largest_request() const noexcept { return inner(this).largest_request(); }

bitmap_heap::usage bitmap_heap::stats() const noexcept {
  usage all{};
  const auto count = [](const BlockView& view, void* to) {
    auto& sum = *static_cast<usage*>(to);
    if (view.state == BlockState::live) {
      ++sum.live_blocks;
      sum.live_bytes += view.requested;
    } else {
      sum.free_bytes += view.served;
      sum.largest_free = std::max(sum.largest_free, view.served - Inner::kLeastPad);
    }
    return true;
  };
  (void)inner(this).walk({count, &all});
  return all;
}

std::size_t bitmap_heap::check(std::span<trestle_fault> room) const noexcept {
  return check_publicly(inner(this), room);
}
int bitmap_heap::walk(trestle_visitor visitor, void* context) const noexcept {
  return walk_publicly(inner(this), visitor, context);
}

}  // namespace trestle
