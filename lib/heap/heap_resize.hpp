// Heap: realloc, from each tier to each.
#pragma once

#include "base/bytes.hpp"
#include "base/marks.hpp"
#include "heap/heap.hpp"

namespace trestle {

template <Policy P, Os O>
Allocation Heap<P, O>::reallocate(void* payload, std::size_t size) noexcept {
  if (payload == nullptr) return allocate(size, kMinAlignment, Kind::by_malloc);
  return or_flushed(size, [&] {
    if (SlotRecordOf* const record = slots_.record_of(payload)) return reallocate_slot(*record, payload, size);
    const SpanRef<O> ref = find_span(payload);
    if (ref.is_empty()) [[unlikely]]
      return Allocation::failed(as_stale(classify(payload)));
    if (ref.span->state == SpanState::addresses) return reallocate_zero(ref, payload, size);
    if (ref.span->state == SpanState::blocks) return reallocate_block(ref, payload, size);
    return reallocate_large(ref, payload, size);
  });
}

template <Policy P, Os O>
Allocation Heap<P, O>::reallocate_slot(SlotRecordOf& record, void* payload, std::size_t size) noexcept {
  std::size_t kept = 0;
  Kind kind = Kind::none;
  const Allocation resized = slots_.resize(record, payload, size, kept, kind);
  if (resized.is_fault()) return Allocation::failed(as_stale(resized.verdict()));
  return resized.payload != nullptr ? resized : move(payload, kept, size, kind);
}

template <Policy P, Os O>
Allocation Heap<P, O>::reallocate_zero(const SpanRef<O>& ref, void* payload, std::size_t size) noexcept {
  Kind kind = Kind::none;
  {
    const Guard guard(zero_.lock());
    if (!zero_.still_serves(ref)) [[unlikely]]
      return Allocation::failed({FaultKind::stale_pointer, payload});
    if (const Verdict v = zero_.vet(zero_.record_of(ref), payload); v.is_fault()) [[unlikely]]
      return Allocation::failed(as_stale(v));
    if (size == 0) return {payload, FaultKind::none};
    kind = zero_.record_of(ref).slab.kind_of(payload);
  }
  return move(payload, 0, size, kind);
}

template <Policy P, Os O>
Allocation Heap<P, O>::reallocate_block(const SpanRef<O>& ref, void* payload, std::size_t size) noexcept {
  Header header = Header::end(true);
  const Allocation resized = blocks_.resize(ref, payload, size, kResizesInPlace && stays_block(size), header);
  if (resized.payload != nullptr || resized.is_fault()) return resized;
  return move(payload, header.requested(), size, header.kind());
}

template <Policy P, Os O>
Allocation Heap<P, O>::reallocate_large(const SpanRef<O>& ref, void* payload, std::size_t size) noexcept {
  std::size_t kept = 0;
  Kind kind = Kind::none;
  {
    const Guard guard(spans_.lock());
    if (ref.span->state != SpanState::large) [[unlikely]]
      return {payload, FaultKind::stale_pointer};
    if (const Verdict v = large_.vet(ref, payload); v.is_fault()) [[unlikely]]
      return Allocation::failed(v);
    if (size > PTRDIFF_MAX) [[unlikely]]
      return {};
    if (kResizesInPlace && !blocks_.serves(size, kMinAlignment)) {
      const Allocation resized = large_.resize(ref, payload, size);
      note_large();
      return resized;
    }
    kept = ref.span->requested;
    kind = ref.span->kind;
  }
  return move(payload, kept, size, kind);
}

// The last resort of realloc: a new block, a copy, and the old one goes. Whatever fails, the old one is as it was.
template <Policy P, Os O>
Allocation Heap<P, O>::move(void* payload, std::size_t kept, std::size_t size, Kind kind) noexcept {
  bool zeroed = false;
  const Allocation made = try_allocate(size, kMinAlignment, kind, zeroed);
  if (made.payload == nullptr || made.is_fault()) [[unlikely]]
    return made;
  begin_block(made.payload, size, false);
  permit_access(payload, kept);  // what nobody wrote there, and under fast nobody asked for, stays unknown
  copy_bytes(static_cast<std::byte*>(made.payload), static_cast<const std::byte*>(payload), std::min(kept, size));
  end_block(payload, kept);
  if (const Verdict v = deallocate(payload, {.kind = Kind::none}); v.is_fault()) [[unlikely]] {
    begin_block(payload, kept, true);  // its bytes are taken to be known
    end_block(made.payload, size);
    (void)deallocate(made.payload, {.kind = Kind::none});  // the first fault is the one to tell
    return Allocation::failed(v);
  }
  return made;
}

}  // namespace trestle
