// Requests of no bytes: each gets an address of its own in a slab that can never be read or written, where the system guards
// pages. Only states are kept; they are rare, so one lock serves them all.
#pragma once

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
    depot_.start(spans, records, key, SizeClass{}, SpanState::addresses);
  }
  void stop() noexcept {
    counts_ = {};
    depot_.forget();
  }
  [[nodiscard]] Mutex& lock() noexcept TRESTLE_RETURN_CAPABILITY(depot_.lock()) { return depot_.lock(); }

  // Whether a span that was found to be of addresses is so still: another thread may have freed its last one meanwhile.
  [[nodiscard]] bool still_serves(const SpanRef<O>& ref) noexcept TRESTLE_REQUIRES(lock()) {
    return ref.span->state == SpanState::addresses;
  }
  // The record of a span in the state addresses, whose descriptor is sound.
  [[nodiscard]] static Record& record_of(const SpanRef<O>& ref) noexcept { return record_of_span<kUntouched>(ref); }

  Allocation allocate(Kind kind) noexcept TRESTLE_REQUIRES(lock()) {
    void* slot = nullptr;
    if (depot_.take({&slot, 1}) == 0) return {};
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
    depot_.give(record, payload);
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
  bool trim() noexcept TRESTLE_REQUIRES(lock()) { return depot_.trim(); }

 private:
  SpanHeap<O>* spans_ = nullptr;
  Depot<kUntouched, O> depot_;
  Counts counts_;
};

}  // namespace trestle
