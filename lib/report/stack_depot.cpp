#include "report/stack_depot.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "base/keyed.hpp"
#include "os/linux_os.hpp"
#include "report/mapped_once.hpp"

namespace trestle {
namespace {

std::uint32_t hash_of(std::span<const void* const> return_addresses) noexcept {
  std::uint64_t sum = kOdd1;
  for (const void* const address : return_addresses) sum = fold(sum ^ reinterpret_cast<std::uintptr_t>(address), kOdd2);
  return static_cast<std::uint32_t>(sum ^ sum >> 32);
}

std::uintptr_t inverted(const void* address) noexcept { return ~reinterpret_cast<std::uintptr_t>(address); }

}  // namespace

// Of a list's traces from one on until another, which is not looked at.
StackDepot::Id StackDepot::search(Id from, Id until, std::uint32_t hash,
                                  std::span<const void* const> return_addresses) const noexcept {
  for (Id id = from; id != until;) {
    const Trace& trace = *at(id);
    if (trace.hash_ == hash &&
        std::ranges::equal(std::span(trace.words(), trace.depth_), return_addresses, {}, {}, inverted))
      return id;
    id = trace.next_;
  }
  return 0;
}

StackDepot::Id StackDepot::put(std::span<const void* const> return_addresses) noexcept {
  return_addresses = return_addresses.first(std::min(return_addresses.size(), kMaxDepth));
  const std::uint32_t hash = hash_of(return_addresses);
  List* const table = mapped_once(table_, lists_ * sizeof(List));
  if (table == nullptr) return 0;
  List& list = table[hash & (lists_ - 1)];
  const Id seen = list.load(std::memory_order_acquire);
  if (const Id found = search(seen, 0, hash, return_addresses)) [[likely]]
    return found;
  if (lock_.is_held_by_caller()) return 0;
  const Guard guard(lock_);
  const Id first = list.load(std::memory_order_relaxed);
  if (const Id found = search(first, seen, hash, return_addresses)) return found;
  const Id id = carve(sizeof(Trace) + return_addresses.size_bytes());
  if (id == 0) return 0;
  Trace* const made = ::new (at(id)) Trace;
  made->next_ = first;
  made->hash_ = hash;
  made->depth_ = return_addresses.size();
  std::ranges::transform(return_addresses, reinterpret_cast<std::uintptr_t*>(made + 1), inverted);
  list.store(id, std::memory_order_release);
  return id;
}

StackDepot::Id StackDepot::carve(std::size_t bytes) noexcept {
  if (used_ + bytes > kChunkBytes) {
    if (chunk_ + 1 == kMostChunks) return 0;
    ++chunk_;
    used_ = 0;
  }
  if (chunks_[chunk_].load(std::memory_order_relaxed) == nullptr) {
    LinuxOs os;
    std::byte* const made = os.reserve(kChunkBytes, kOsPage);
    if (made == nullptr || !os.commit(made, kChunkBytes)) {
      if (made != nullptr) os.release(made, kChunkBytes);
      return 0;
    }
    chunks_[chunk_].store(made, std::memory_order_release);
  }
  return static_cast<Id>(chunk_ * kUnits + std::exchange(used_, used_ + bytes) / kUnit);
}

const Trace* StackDepot::find(Id id) const noexcept {
  const bool known =
      id != 0 && id / kUnits < kMostChunks && chunks_[id / kUnits].load(std::memory_order_acquire) != nullptr;
  return known ? at(id) : nullptr;
}

}  // namespace trestle
