// Requests of no bytes: each gets an address of its own in a slab that can never be read or written, where the system guards
// pages. Only states are kept; they are rare, so one lock serves them all. What is to be aligned to more than 16 comes from a
// depot of its own, as far as slots go.
#pragma once

#include <algorithm>
#include <array>

#include "base/sync.hpp"
#include "heap/depot.hpp"

namespace trestle {

// The policy without whatever touches the memory.
[[nodiscard]] consteval Policy untouched(Policy policy) {
  policy.canary = policy.poison = policy.sized_free_checked = false;
  policy.poison_limit = 0;
  return policy;
}

template <Policy P, Os O>
class ZeroTier {
 public:
  static constexpr Policy kUntouched = untouched(P);
  using Record = SlotRecord<kUntouched, O>;

  struct Counts {
    std::uint64_t allocations = 0;
    std::uint64_t deallocations = 0;
  };

  constexpr ZeroTier() noexcept = default;
  void start(SpanHeap<O>& spans, RecordPool<O>& records, const Key& key) noexcept {
    spans_ = &spans;
    for (unsigned i = 0; i < kDepots; ++i)
      depots_[i].start(spans, records, key, class_for(kMinAlignment << i), 0, SpanState::addresses);
  }
  void stop() noexcept {
    counts_ = {};
    for (auto& depot : depots_) depot.forget();
  }
  [[nodiscard]] Mutex& lock() noexcept TRESTLE_RETURN_CAPABILITY(lock_) { return lock_; }

  [[nodiscard]] static constexpr bool serves(std::size_t size, std::size_t alignment) noexcept {
    return size == 0 && alignment <= kMaxSlot;
  }

  // Whether a span that was found to be of addresses is so still: another thread may have freed its last one meanwhile.
  [[nodiscard]] bool still_serves(const SpanRef<O>& ref) noexcept TRESTLE_REQUIRES(lock()) {
    return ref.span->state == SpanState::addresses;
  }
  // The record of a span in the state addresses, whose descriptor is sound.
  [[nodiscard]] static Record& record_of(const SpanRef<O>& ref) noexcept { return record_of_span<kUntouched>(ref); }

  // `alignment`: a power of two, at most kMaxSlot.
  Allocation allocate(std::size_t alignment, Kind kind) noexcept TRESTLE_REQUIRES(lock()) {
    void* const slot = take(depots_[log2_floor(std::max(alignment, kMinAlignment) / kMinAlignment)]);
    if (slot == nullptr) return {};
    const SpanRef<O> ref = spans_->find(slot);
    if (ref.is_empty()) [[unlikely]]
      return {slot, FaultKind::descriptor_corrupt};
    ++counts_.allocations;
    return record_of(ref).slab.serve(slot, 0, kind);
  }
  Verdict deallocate(Record& record, void* payload, const Release& how) noexcept TRESTLE_REQUIRES(lock()) {
    if (const Verdict v = vet(record, payload); v.is_fault()) [[unlikely]]
      return v;
    if (P.sized_free_checked && how.size != Release::kNoClaim && how.size != 0) [[unlikely]]
      return {FaultKind::size_mismatch, payload};
    if (P.sized_free_checked && how.alignment != 0 && !is_aligned(payload, how.alignment)) [[unlikely]]
      return {FaultKind::alignment_mismatch, payload};
    if (const Vetted v = record.slab.release(payload, how, Rest::magazine); v.is_fault()) [[unlikely]]
      return v;
    ++counts_.deallocations;
    const Guard guard(record.home->lock());
    record.home->give(record, payload);
    return {};
  }
  // Whether that address was handed out; or what is wrong with the pointer.
  [[nodiscard]] static Verdict vet(const Record& record, const void* payload) noexcept {
    return {record.slab.vet(payload).kind, payload};
  }

  // To an access to one of the addresses adds what it was.
  static void explain_access(const SpanRef<O>& ref, Fault& fault) noexcept {
    const Record& record = record_of(ref);
    record.slab.explain(fault.address, fault);
    fault.served = 0;
    if (fault.block == nullptr) {
      fault.kind = FaultKind::wild_access;
    } else {
      const bool is_free = vet(record, fault.block).is_fault();
      fault.kind = is_free ? FaultKind::access_after_free : FaultKind::access_past_end;
    }
  }

  // Shows the addresses as blocks of no bytes.
  static bool walk(const SpanRef<O>& ref, BlockVisitor visitor) noexcept {
    const auto show = [](const BlockView& slot, void* context) {
      BlockView view = slot;
      view.requested = view.served = 0;
      return (*static_cast<BlockVisitor*>(context))(view);
    };
    return record_of(ref).slab.walk({show, &visitor});
  }
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
  bool trim() noexcept TRESTLE_REQUIRES(lock()) {
    bool any = false;
    for (auto& depot : depots_) {
      const Guard guard(depot.lock());
      any = depot.trim() || any;
    }
    return any;
  }

 private:
  using DepotOf = Depot<kUntouched, O>;
  static constexpr std::size_t kDepots = log2_floor(kMaxSlot / kMinAlignment) + 1;  // by alignment

  [[nodiscard]] static void* take(DepotOf& depot) noexcept {
    const Guard guard(depot.lock());
    void* slot = nullptr;
    (void)depot.take({&slot, 1});
    return slot;
  }

  SpanHeap<O>* spans_ = nullptr;
  Mutex lock_;
  std::array<DepotOf, kDepots> depots_;
  Counts counts_;
};

}  // namespace trestle
