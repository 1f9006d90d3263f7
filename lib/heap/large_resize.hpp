// Large: realloc, in place or with its pages moved.
#pragma once

#include "heap/large.hpp"

namespace trestle {

template <Policy P, Os O>
Allocation Large<P, O>::resize(const SpanRef<O>& ref, void* payload, std::size_t size) noexcept {
  if (const Verdict v = vet(ref, payload); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  if (const Verdict v = vet_canaries(ref); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  if (!fit_in_place(ref, size)) return move(ref, size);
  if (P.poison && size > ref.span->requested) {  // what was canary is the owner's now
    const auto end = std::min(static_cast<std::size_t>(fence_of(ref, ref.span->requested) - payload_of(ref)), size);
    fill(payload_of(ref) + ref.span->requested, end - ref.span->requested, 0);
  }
  counts_.live_bytes += size - ref.span->requested;
  ref.span->requested = size;
  ref.region->seal(*ref.span);
  write_canaries(ref);
  return {payload, FaultKind::none, true};
}

// Moves the fence to where `size` bytes need it, taking granules from a free span to the right, or giving them back.
template <Policy P, Os O>
bool Large<P, O>::fit_in_place(const SpanRef<O>& ref, std::size_t size) noexcept {
  std::byte* const old_fence = fence_of(ref, ref.span->requested);
  std::byte* const old_end = ref.end();
  if (size > kMaxSpanBytes / 2) return false;
  const std::size_t need = align_up(ref.span->payload + size, kOsPage) + kTail;
  const Granules length = Granules::covering(need);
  if (length == ref.span->length && fence_of(ref, size) == old_fence) return true;
  if (length > ref.span->length) {
    const std::size_t added = (length - ref.span->length).bytes();
    if (!ref.region->extend(spans_->os(), *ref.span, length)) return false;
    if (!lower_fence(ref, old_fence, old_end)) {
      ref.region->truncate(*ref.span, ref.span->length - Granules::covering(added), spans_->os().now_ms());
      return false;
    }
    if (P.poison && !spans_->os().purge(old_end, added)) fill(old_end, added, 0);
    raise_fence(ref, fence_of(ref, size));
    return true;
  }
  if (!lower_fence(ref, old_fence, old_end)) return false;
  ref.region->truncate(*ref.span, length, spans_->os().now_ms());
  raise_fence(ref, fence_of(ref, size));
  return true;
}

// To another span, with room to grow by an eighth. The payload keeps its place within an OS page, so that whole pages move.
template <Policy P, Os O>
Allocation Large<P, O>::move(const SpanRef<O>& ref, std::size_t size) noexcept {
  std::byte* const from = payload_of(ref);
  std::size_t offset = address_of(from) % kOsPage;
  if (offset < kLead) offset += kOsPage;
  const std::optional<std::size_t> need = checked_add(align_up(offset, kOsPage) + kOsPage + kTail, size);
  const std::optional<std::size_t> roomy = need ? checked_add(*need, size / 8) : std::nullopt;
  if (!roomy) return {};
  const std::size_t kept = std::min(size, static_cast<std::size_t>(ref.span->requested));
  const Kind kind = ref.span->kind;
  SpanRef<O> target = spans_->acquire(*roomy, SpanState::large);
  if (target.is_empty()) target = spans_->acquire(*need, SpanState::large);
  if (target.is_empty()) return {};
  clear_earlier(target);
  settle(target, offset, size, kind);
  raise_fence(target, fence_of(target, size));

  std::byte* const to = payload_of(target);
  std::byte* const first = from - address_of(from) % kOsPage;
  const auto whole = align_down(static_cast<std::size_t>(from + kept - first), kOsPage);
  std::size_t done = 0;
  if (whole >= move_from_ && spans_->os().move(first, to - address_of(from) % kOsPage, whole)) {
    done = whole - address_of(from) % kOsPage;
  }
  copy_bytes(to + done, from + done, kept - done);
  write_canaries(target);
  retire(ref);
  return {to, FaultKind::none, true};
}

}  // namespace trestle
