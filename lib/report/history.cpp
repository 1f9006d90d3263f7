#include "report/history.hpp"

#include "base/arith.hpp"
#include "report/mapped_once.hpp"

namespace trestle {

Histories::Way Histories::way_to(const void* block) const noexcept {
  constexpr auto low = [](std::uintptr_t bits, unsigned count) { return bits & ((std::uintptr_t{1} << count) - 1); };
  const std::uintptr_t grain = address_of(block) >> grain_shift_;
  return {low(grain >> (kLeafShift + kBranchShift), kRootShift), low(grain >> kLeafShift, kBranchShift),
          low(grain, kLeafShift)};
}

// Null: no block that is known of began near. An address beyond the program's half shares another's record, which does no harm:
// what is asked of it is a guess that the heap has refused.
Histories::Record* Histories::find(const void* block) const noexcept {
  const Way way = way_to(block);
  Root* const root = root_.load(std::memory_order_acquire);
  if (root == nullptr) return nullptr;
  Branch* const branch = (*root)[way.root].load(std::memory_order_acquire);
  if (branch == nullptr) return nullptr;
  Leaf* const leaf = (*branch)[way.branch].load(std::memory_order_acquire);
  return leaf != nullptr ? &(*leaf)[way.leaf] : nullptr;
}

Histories::Record* Histories::find_or_make(const void* block) noexcept {
  const Way way = way_to(block);
  Root* const root = mapped_once(root_);
  if (root == nullptr) return nullptr;
  Branch* const branch = mapped_once((*root)[way.root]);
  if (branch == nullptr) return nullptr;
  Leaf* const leaf = mapped_once((*branch)[way.branch]);
  return leaf != nullptr ? &(*leaf)[way.leaf] : nullptr;
}

Histories::Call Histories::note(const CallSite& site) noexcept {
  std::array<const void*, StackDepot::kMaxDepth> frames;
  const std::size_t depth = capture_own(site, frames);
  const StackDepot::Id trace = depot_.put(std::span(frames).first(depth));
  return kCall | Call{static_cast<std::uint32_t>(own_thread_id())} << kThreadShift | trace;
}

void Histories::begin(const void* block, std::size_t requested, const CallSite& site) noexcept {
  Record* const record = find_or_make(block);
  if (record == nullptr) [[unlikely]]
    return;
  const Call low = Call{requested % History::kRequestLow} << kRequestShift;
  const Call request = requested != kUnknownRequest ? kRequest | low : 0;
  record->allocated.store(note(site) | request, std::memory_order_relaxed);
  record->freed.store(0, std::memory_order_release);
}

bool Histories::end(const void* block, const CallSite& site) noexcept {
  Record* const record = find(block);
  if (record == nullptr || record->allocated.load(std::memory_order_relaxed) == 0) return false;
  Call nobody = record->freed.load(std::memory_order_acquire);
  return nobody == 0 && record->freed.compare_exchange_strong(nobody, note(site), std::memory_order_acq_rel);
}

void Histories::revive(const void* block) noexcept {
  if (Record* const record = find(block)) record->freed.store(0, std::memory_order_release);
}

PastCall Histories::past(Call call) const noexcept {
  constexpr Call kTraces = (Call{1} << kRequestShift) - 1;
  return {static_cast<int>((call & ~kCall) >> kThreadShift), depot_.find(static_cast<StackDepot::Id>(call & kTraces))};
}

History Histories::of(const void* block) const noexcept {
  const Record* const record = find(block);
  if (record == nullptr) return {};
  const Call allocated = record->allocated.load(std::memory_order_acquire);
  History all{past(allocated), past(record->freed.load(std::memory_order_acquire)), {}};
  if ((allocated & kRequest) != 0) all.request_low = (allocated >> kRequestShift) % History::kRequestLow;
  return all;
}

}  // namespace trestle
