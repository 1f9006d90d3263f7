// Requests beyond the blocks: a span each, the payload as far right as its alignment allows, then inaccessible to the
// span's end. The bytes before the payload and after the request carry the canary.
//
//   | untouched ... | canary | payload, requested | canary | guard pages |
//                                                 ^ end    ^ fence: the next OS page
// A sample may lie the other way round, as far left as it can, with all before it inaccessible.
//
//   | guard pages | payload, requested | canary | guard pages |
// A freed span is made inaccessible (policy) and its address waits in a queue. Needs the span lock throughout.
#pragma once

#include "base/arith.hpp"
#include "base/canary.hpp"
#include "base/policy.hpp"
#include "span/span_heap.hpp"

namespace trestle {

// Where an allocation meets guard pages: flush at its end, as far as its alignment allows; or flush at its start, and behind
// the OS page in which it ends.
enum class GuardAt : std::uint8_t { end, start };

inline constexpr std::size_t kLargeLead = 32;  // canary bytes before the payload, where the policy has canaries

template <Policy P, Os O>
class Large {
 public:
  struct Counts {
    std::uint64_t live_blocks = 0;
    std::uint64_t live_bytes = 0;
  };

  constexpr Large() noexcept = default;
  // `move_from`: so many bytes that are not resized in place have their pages moved instead of being copied.
  void start(SpanHeap<O>& spans, std::size_t move_from) noexcept {
    spans_ = &spans;
    move_from_ = move_from;
  }
  void stop() noexcept {
    counts_ = {};
    quarantine_ = P.large_quarantine_spans;
    expect_no_sweep();
  }
  // At most so many freed spans wait; of those beyond the policy's number only as many as have kWaitingBytes together.
  void set_quarantine(std::size_t spans) noexcept { quarantine_ = spans; }

  // From now on freed spans wait until they are swept. That is due when as many bytes more wait as are live, but no less than
  // some, or when so many were freed. Where it does not come the oldest go when twice as many wait.
  void expect_sweep() noexcept {
    constexpr std::uint64_t kLeast = std::uint64_t{256} << 20;  // of address space, since their pages went back
    const std::uint64_t more = std::max(kLeast, counts_.live_bytes);
    sweep_at_ = spans_->counts().retired_bytes + more;
    most_waiting_ = {P.large_quarantine_spans, std::max(2 * kFreesPerSweep, quarantine_), sweep_at_ + more};
    frees_to_sweep_ = kFreesPerSweep;
    spans_->set_patient(true);
    is_sweep_due_ = false;
  }
  void expect_no_sweep() noexcept {
    sweep_at_ = frees_to_sweep_ = UINT64_MAX;
    if (spans_ != nullptr) spans_->set_patient(false);
    is_sweep_due_ = false;
  }
  [[nodiscard]] bool is_sweep_due() const noexcept { return is_sweep_due_; }

  // A null payload iff memory is short. `zeroed` tells whether the payload reads as zero.
  Allocation allocate(std::size_t size, std::size_t alignment, Kind kind, GuardAt where, bool& zeroed) noexcept;
  Verdict deallocate(const SpanRef<O>& ref, void* payload, const Release& how) noexcept;
  // In place, or with its pages moved to another span; a null payload where neither can be done.
  Allocation resize(const SpanRef<O>& ref, void* payload, std::size_t size) noexcept;
  // Whether `payload` is the span's live allocation; or what is wrong with the pointer.
  Verdict vet(const SpanRef<O>& ref, const void* payload) const noexcept;

  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
  void check(FaultSink& sink) const noexcept;
  bool walk(BlockVisitor visitor) const noexcept;
  // Adds to a fault what the span tells of it.
  void explain(const SpanRef<O>& ref, Fault& fault) const noexcept;
  // The same to an access that was refused, and of which kind it was.
  void explain_access(const SpanRef<O>& ref, Fault& fault) const noexcept;
  // Of a live allocation: makes its pads what they should be.
  void mend(const SpanRef<O>& ref) noexcept { write_canaries(ref); }
  [[nodiscard]] static BlockView view(const SpanRef<O>& ref) noexcept;

 private:
  static constexpr std::size_t kLead = P.canary ? kLargeLead : 0;
  static constexpr std::size_t kWaitingBytes = std::size_t{128} << 20;
  static constexpr std::size_t kFreesPerSweep = 4096;
  using Waiting = typename SpanHeap<O>::Waiting;
  static constexpr std::size_t kTail = P.guard_pages ? kOsPage : 0;

  [[nodiscard]] static std::byte* payload_of(const SpanRef<O>& ref) noexcept { return ref.start() + ref.span->payload; }
  [[nodiscard]] static std::byte* fence_of(const SpanRef<O>& ref, std::size_t requested) noexcept {
    std::byte* const end = payload_of(ref) + requested;
    std::byte* const fence = end + (align_up(address_of(end), kOsPage) - address_of(end));
    return fence < ref.end() - kTail ? fence : ref.end() - kTail;
  }
  [[nodiscard]] std::uint64_t canary_of(const SpanRef<O>& ref) const noexcept {
    return canary_word(spans_->key(), address_of(payload_of(ref)));
  }
  [[nodiscard]] static constexpr std::size_t served_of(std::size_t size) noexcept {
    return align_up(std::max<std::size_t>(size, 1), kMinAlignment);
  }
  void write_canaries(const SpanRef<O>& ref) const noexcept;
  [[nodiscard]] Verdict vet_canaries(const SpanRef<O>& ref) const noexcept;
  // Bytes before the payload that carry the canary.
  [[nodiscard]] static std::size_t lead_of(const SpanRef<O>& ref) noexcept {
    return ref.span->is_below_guarded != 0 ? 0 : kLead;
  }
  void raise_fence(const SpanRef<O>& ref, std::byte* from) noexcept;
  void guard_below(const SpanRef<O>& ref) noexcept;
  bool lower_fence(const SpanRef<O>& ref, std::byte* from, std::byte* to) noexcept;
  [[nodiscard]] static std::size_t place_in(const SpanRef<O>& ref, std::size_t served, std::size_t alignment) noexcept {
    return align_down(address_of(ref.end()) - kTail - served, alignment) - address_of(ref.start());
  }
  // The first place behind an OS page.
  [[nodiscard]] static std::size_t first_place_in(const SpanRef<O>& ref, std::size_t alignment) noexcept {
    return align_up(address_of(ref.start()) + kOsPage, std::max(alignment, kOsPage)) - address_of(ref.start());
  }
  [[nodiscard]] SpanRef<O> find_kept(std::size_t need, std::size_t size, std::size_t alignment) noexcept;
  void settle(const SpanRef<O>& ref, std::size_t payload, std::size_t size, Kind kind) noexcept;
  void clear_earlier(SpanRef<O>& ref) noexcept;
  void retire(const SpanRef<O>& ref) noexcept;
  [[nodiscard]] bool fit_in_place(const SpanRef<O>& ref, std::size_t size) noexcept;
  Allocation move(const SpanRef<O>& ref, std::size_t size) noexcept;

  SpanHeap<O>* spans_ = nullptr;
  std::size_t move_from_ = 0;
  std::size_t quarantine_ = P.large_quarantine_spans;
  std::uint64_t sweep_at_ = UINT64_MAX;  // bytes that wait
  std::uint64_t frees_to_sweep_ = UINT64_MAX;
  Waiting most_waiting_{};  // until then
  Shared<bool> is_sweep_due_ = false;
  Counts counts_;
};

template <Policy P, Os O>
void Large<P, O>::write_canaries(const SpanRef<O>& ref) const noexcept {
  if constexpr (!P.canary) return;
  std::byte* const payload = payload_of(ref);
  const std::uint64_t word = canary_of(ref);
  write_canary(payload - lead_of(ref), 0, lead_of(ref), word);
  const auto fence = static_cast<std::size_t>(fence_of(ref, ref.span->requested) - payload);
  write_canary(payload, ref.span->requested, fence, word);
}

template <Policy P, Os O>
Verdict Large<P, O>::vet_canaries(const SpanRef<O>& ref) const noexcept {
  if constexpr (!P.canary) return {};
  const std::byte* const payload = payload_of(ref);
  const std::uint64_t word = canary_of(ref);
  const std::size_t lead = lead_of(ref);
  if (const std::byte* const wrong = broken_canary(payload - lead, 0, lead, word)) [[unlikely]] {
    return {FaultKind::write_before_start, wrong};
  }
  const auto fence = static_cast<std::size_t>(fence_of(ref, ref.span->requested) - payload);
  if (const std::byte* const wrong = broken_canary(payload, ref.span->requested, fence, word)) [[unlikely]] {
    return {FaultKind::write_past_end, wrong};
  }
  return {};
}

// Everything from `from` to the span's end becomes inaccessible, where the system can.
template <Policy P, Os O>
void Large<P, O>::raise_fence(const SpanRef<O>& ref, std::byte* from) noexcept {
  if constexpr (!P.guard_pages) return;
  ref.span->accessible = !spans_->os().guard(from, static_cast<std::size_t>(ref.end() - from));
  const auto pages = static_cast<std::uint32_t>(static_cast<std::size_t>(from - ref.start()) / kOsPage);
  ref.span->fence = pages & SpanDescriptor::kMostPages;
  ref.region->seal(*ref.span);
}
// Where the system cannot, the bytes before the payload carry the canary instead.
template <Policy P, Os O>
void Large<P, O>::guard_below(const SpanRef<O>& ref) noexcept {
  ref.span->is_below_guarded = spans_->os().guard(ref.start(), ref.span->payload) ? 1 : 0;
  ref.region->seal(*ref.span);
}

template <Policy P, Os O>
bool Large<P, O>::lower_fence(const SpanRef<O>& ref, std::byte* from, std::byte* to) noexcept {
  return ref.span->accessible || from >= to || spans_->os().unguard(from, static_cast<std::size_t>(to - from));
}

// A span becomes the allocation of `size` bytes at `payload` bytes from its start.
template <Policy P, Os O>
void Large<P, O>::settle(const SpanRef<O>& ref, std::size_t payload, std::size_t size, Kind kind) noexcept {
  ref.span->payload = payload;
  ref.span->requested = size;
  ref.span->kind = kind;
  ref.region->seal(*ref.span);
  ++counts_.live_blocks;
  counts_.live_bytes += size;
}

// Under a policy that poisons, nobody reads an earlier owner's bytes.
template <Policy P, Os O>
void Large<P, O>::clear_earlier(SpanRef<O>& ref) noexcept {
  if (!P.poison || ref.zeroed) return;
  if (!spans_->os().purge(ref.start(), ref.bytes())) fill(ref.start(), ref.bytes(), 0);
  ref.zeroed = true;
}

template <Policy P, Os O>
Allocation Large<P, O>::allocate(std::size_t size, std::size_t alignment, Kind kind, GuardAt where,
                                 bool& zeroed) noexcept {
  const std::size_t served = served_of(size);
  const bool below = P.sampled && where == GuardAt::start;
  const std::size_t before = below ? kOsPage : kLead;
  const std::optional<std::size_t> need =
      checked_add(served, before + kTail + (alignment > kMinAlignment ? alignment : 0));
  if (!need) return {};
  SpanRef<O> ref = below ? SpanRef<O>{} : find_kept(*need, size, alignment);
  const bool fenced = !ref.is_empty();
  if (!fenced) ref = spans_->acquire(*need, SpanState::large);
  if (ref.is_empty()) return {};
  clear_earlier(ref);
  settle(ref, below ? first_place_in(ref, alignment) : place_in(ref, served, alignment), size, kind);
  if (!fenced) raise_fence(ref, fence_of(ref, size));
  if (below) guard_below(ref);
  write_canaries(ref);
  zeroed = ref.zeroed;
  return {payload_of(ref), FaultKind::none, true};
}

// A span that waits with its contents and has its fence where the request needs it: no system call is due then. Where there is
// none, though as many bytes wait, those become free, so that they can serve.
template <Policy P, Os O>
SpanRef<O> Large<P, O>::find_kept(std::size_t need, std::size_t size, std::size_t alignment) noexcept {
  if (P.large_inaccessible || spans_->is_patient()) return {};
  const auto fits = [&](const SpanRef<O>& ref) {
    if (P.guard_pages && ref.span->accessible) return false;
    const std::size_t end = place_in(ref, served_of(size), alignment) + size;
    return align_up(end, kOsPage) == std::size_t{ref.span->fence} * kOsPage;
  };
  const SpanRef<O> kept = spans_->reuse(need, fits);
  if (kept.is_empty() && spans_->counts().retired_bytes >= need) (void)spans_->flush_retired();
  return kept;
}

template <Policy P, Os O>
Verdict Large<P, O>::vet(const SpanRef<O>& ref, const void* payload) const noexcept {
  const bool starts_here = payload == payload_of(ref);
  if (ref.span->state == SpanState::retired) {
    return {starts_here ? FaultKind::double_free : FaultKind::interior_pointer, payload};
  }
  if (!starts_here) return {FaultKind::interior_pointer, payload};
  return {};
}

template <Policy P, Os O>
Verdict Large<P, O>::deallocate(const SpanRef<O>& ref, void* payload, const Release& how) noexcept {
  if (const Verdict v = vet(ref, payload); v.is_fault()) [[unlikely]]
    return v;
  if (const Verdict v = vet_canaries(ref); v.is_fault()) [[unlikely]]
    return v;
  if constexpr (P.sized_free_checked) {
    if (how.size != Release::kNoClaim && how.size != ref.span->requested) [[unlikely]]
      return {FaultKind::size_mismatch, payload};
    if (how.alignment != 0 && !is_aligned(payload, how.alignment)) [[unlikely]]
      return {FaultKind::alignment_mismatch, payload};
  }
  if constexpr (P.kind_checked) {
    if (how.kind != Kind::none && how.kind != ref.span->kind) [[unlikely]]
      return {FaultKind::kind_mismatch, payload};
  }
  retire(ref);
  return {};
}

// The span waits: with its contents and its fence, for the next request of its length, or inaccessible (policy).
template <Policy P, Os O>
void Large<P, O>::retire(const SpanRef<O>& ref) noexcept {
  --counts_.live_blocks;
  counts_.live_bytes -= ref.span->requested;
  ref.span->dirty = true;
  if constexpr (P.large_inaccessible) {
    const bool open = spans_->lift_guard_below(*ref.region, *ref.span) &&
                      lower_fence(ref, fence_of(ref, ref.span->requested), ref.end());
    const bool closed = open && spans_->os().close(ref.start(), ref.bytes());
    if (open && !closed && !spans_->is_patient()) {
      spans_->release(ref, true);
      return;
    }
    // Where guards could not be removed, the address stays out of use until they can, and the contents are still there. So they
    // are where nothing can be closed, as in memory that is locked, while a sweep is waited for.
    if (open) ref.span->accessible = !closed;
    ref.span->dirty = !closed;
  }
  const Waiting most{P.large_quarantine_spans, quarantine_, kWaitingBytes};
  spans_->retire(ref, spans_->is_patient() ? most_waiting_ : most);
  if (--frees_to_sweep_ == 0 || spans_->counts().retired_bytes > sweep_at_) is_sweep_due_ = true;
}

template <Policy P, Os O>
BlockView Large<P, O>::view(const SpanRef<O>& ref) noexcept {
  const bool live = ref.span->state == SpanState::large;
  return {.payload = payload_of(ref),
          .requested = ref.span->requested,
          .served = static_cast<std::size_t>(fence_of(ref, ref.span->requested) - payload_of(ref)),
          .state = live ? BlockState::live : BlockState::retired,
          .kind = ref.span->kind};
}

template <Policy P, Os O>
void Large<P, O>::explain(const SpanRef<O>& ref, Fault& fault) const noexcept {
  const BlockView seen = view(ref);
  fault.block = seen.payload;
  fault.requested = seen.requested;
  fault.served = seen.served;
  const bool before = fault.kind == FaultKind::write_before_start;
  if (!before && fault.kind != FaultKind::write_past_end) return;
  const auto* const wrong = static_cast<const std::byte*>(fault.address);
  const std::byte* const base = before ? seen.payload - kLead : seen.payload;
  fault.expected = canary_byte(canary_of(ref), static_cast<std::size_t>(wrong - base));
  fault.found = std::to_integer<std::uint64_t>(*wrong);
}

template <Policy P, Os O>
void Large<P, O>::explain_access(const SpanRef<O>& ref, Fault& fault) const noexcept {
  const bool is_live = ref.span->state == SpanState::large;
  const bool is_below = is_live && ref.span->is_below_guarded != 0 && fault.address < payload_of(ref);
  if (is_live && !is_below && fault.address < fence_of(ref, ref.span->requested))
    return;  // it was not ours that refused
  fault.kind = is_below  ? FaultKind::access_before_start
               : is_live ? FaultKind::access_past_end
                         : FaultKind::access_after_free;
  explain(ref, fault);
}

// I15, and the count of live allocations.
template <Policy P, Os O>
void Large<P, O>::check(FaultSink& sink) const noexcept {
  std::uint64_t live = 0;
  std::uint64_t bytes = 0;
  bool whole = true;
  spans_->for_each_region([&](Region<O>& region) {
    SpanDescriptor* span = nullptr;
    while ((span = region.next(span)) != nullptr) {
      if (span->state != SpanState::large) continue;
      const SpanRef<O> ref{&region, span, false};
      if (span->payload + span->requested > ref.bytes()) continue;  // I10 has told
      ++live;
      bytes += span->requested;
      const Verdict v = vet_canaries(ref);
      if (!v.is_fault()) continue;
      Fault fault{.kind = v.kind, .address = v.at};
      explain(ref, fault);
      sink.add(fault);
    }
    whole = whole && region.is_tiled();
    return true;
  });
  if (whole && (live != counts_.live_blocks || bytes != counts_.live_bytes)) {  // I9
    sink.add(
        {.kind = FaultKind::accounting_mismatch, .address = &counts_, .expected = live, .found = counts_.live_blocks});
  }
}

template <Policy P, Os O>
bool Large<P, O>::walk(BlockVisitor visitor) const noexcept {
  return spans_->for_each_region([&](Region<O>& region) {
    SpanDescriptor* span = nullptr;
    while ((span = region.next(span)) != nullptr) {
      if (span->state != SpanState::large && span->state != SpanState::retired) continue;
      if (!visitor(view({&region, span, false}))) return false;
    }
    return true;
  });
}

}  // namespace trestle

#include "heap/large_resize.hpp"
