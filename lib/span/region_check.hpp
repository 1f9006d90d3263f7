// Region: the walker over spans. Bounds every index and length before it follows it.
#pragma once

#include "span/region.hpp"

namespace trestle {

// What the walk over the spans has seen.
struct SpansSeen {
  SpanTally tally;
  std::uint64_t free_spans = 0;
  std::uint64_t dirty_spans = 0;

  void add(const SpanDescriptor& span) noexcept {
    const bool free = span.state == SpanState::free;
    const bool retired = span.state == SpanState::retired;
    free_spans += free;
    dirty_spans += free && span.dirty;
    tally.retired_spans += retired;
    const std::uint64_t bytes = span.length.bytes();
    (free ? tally.free_bytes : retired ? tally.retired_bytes : tally.used_bytes) += bytes;
    if (free) tally.dirty_bytes += span.dirty_range().length().bytes();
  }
};

template <Os O>
void Region<O>::check(FaultSink& sink) const noexcept {
  SpansSeen seen;
  bool previous_free = false;
  for (std::uint32_t index = 0; index < frontier().count;) {
    const SpanDescriptor& span = descriptors_[index];
    const auto broken = [&](FaultKind kind, std::uint64_t expected, std::uint64_t found) {
      const void* const start = base_ + Granules{index}.bytes();
      sink.add({.kind = kind, .address = &span, .block = start, .expected = expected, .found = found});
    };
    if (!span.is_sound(key_)) return broken(FaultKind::descriptor_corrupt, span.tag(key_), span.seal_word);  // I10
    const bool tiles = span.first.count == index && span.length.count != 0 && span.length <= frontier() - span.first &&
                       span.state != SpanState::none;
    if (!tiles) return broken(FaultKind::span_tiling, index, span.first.count);  // I13
    check_span(span, previous_free, sink);
    previous_free = span.state == SpanState::free;
    seen.add(span);
    index += span.length.count;
  }
  check_lists(sink, seen.free_spans, seen.dirty_spans, seen.tally.retired_spans);
  if (!(seen.tally == counts_)) {  // I14
    sink.add({.kind = FaultKind::accounting_mismatch,
              .address = &counts_,
              .expected = seen.tally.used_bytes + seen.tally.free_bytes,
              .found = counts_.used_bytes + counts_.free_bytes});
  }
}

template <Os O>
void Region<O>::check_span(const SpanDescriptor& span, bool previous_free, FaultSink& sink) const noexcept {
  const std::uint32_t first = span.first.count;
  const std::uint32_t last = first + span.length.count - 1;
  for (std::uint32_t i = first; i <= last; i = span.is_in_use() || i == last ? i + 1 : last) {  // I13
    if (heads_[i] != first) {
      sink.add({.kind = FaultKind::span_tiling,
                .address = &heads_[i],
                .block = start_of(span),
                .expected = first,
                .found = heads_[i]});
    }
  }
  const std::uint64_t record = span.state == SpanState::slots ? span.payload : 0;
  for (std::uint32_t i = first; i <= last; ++i) {  // I18
    if (address_of(records_[i]) != record) {
      sink.add({.kind = FaultKind::span_tiling,
                .address = &records_[i],
                .block = start_of(span),
                .expected = record,
                .found = address_of(records_[i])});
    }
  }
  // I23: of a free span the two words are granules, so they are compared as such.
  const bool inside = span.payload <= span.length.count && span.requested <= span.length.count - span.payload;
  if (span.state == SpanState::free && (!inside || span.dirty != (span.requested != 0))) {
    sink.add({.kind = FaultKind::span_tiling,
              .address = &span,
              .block = start_of(span),
              .expected = inside ? std::uint64_t{span.dirty} : span.length.count,
              .found = inside ? span.requested : span.payload + span.requested});
  }
  if (span.state == SpanState::free && previous_free) {  // I11
    sink.add({.kind = FaultKind::uncoalesced_spans, .address = start_of(span), .block = start_of(span)});
  }
}

// I12: every free span is in the list of its bin, every dirty or retired one in the list by age, and nothing else is.
template <Os O>
void Region<O>::check_lists(FaultSink& sink, std::uint64_t free_spans, std::uint64_t dirty_spans,
                            std::uint64_t retired_spans) const noexcept {
  const auto mismatch = [&](const void* at, std::uint64_t expected, std::uint64_t found) {
    sink.add({.kind = FaultKind::span_bin_mismatch, .address = at, .expected = expected, .found = found});
  };
  if (!bins_.is_consistent()) mismatch(&bins_, 1, 0);
  std::uint64_t binned = 0;
  constexpr std::uint8_t kEmpty = kNoSpan & 0xFF;
  const auto next = [&](unsigned bin) { return bins_.next_busy(bin, bin_heads_, kEmpty); };
  for (unsigned bin = next(0); bin < Bins::kBins; bin = next(bin + 1)) {
    if (bins_.is_set(bin) != (bin_heads_[bin] != kNoSpan))
      mismatch(&bin_heads_[bin], bin_heads_[bin] != kNoSpan, bins_.is_set(bin));
    std::uint32_t previous = kNoSpan;
    for (std::uint32_t index = bin_heads_[bin]; index != kNoSpan && binned <= free_spans; ++binned) {
      const SpanDescriptor* const span = at_index(index);
      const bool belongs = span != nullptr && span->state == SpanState::free && span->first.count == index &&
                           Bins::bin_of(span->length.count) == bin && span->bin.previous == previous;
      if (!belongs) {
        mismatch(span != nullptr ? static_cast<const void*>(span) : &bin_heads_[bin], bin, index);
        return;
      }
      previous = index;
      index = span->bin.next;
    }
  }
  if (binned != free_spans) mismatch(&bin_heads_, free_spans, binned);
  const std::uint64_t dirty = length_of(dirty_, SpanState::free, dirty_spans);
  if (dirty != dirty_spans) mismatch(&dirty_, dirty_spans, dirty);
  const std::uint64_t retired = length_of(retired_, SpanState::retired, retired_spans);
  if (retired != retired_spans) mismatch(&retired_, retired_spans, retired);
}

// The length of a list whose links agree in both directions, counted no further than `limit` + 1; UINT64_MAX where they do not.
template <Os O>
std::uint64_t Region<O>::length_of(const AgeList& list, SpanState state, std::uint64_t limit) const noexcept {
  std::uint64_t length = 0;
  std::uint32_t previous = kNoSpan;
  for (std::uint32_t index = list.oldest; index != kNoSpan && length <= limit; ++length) {
    const SpanDescriptor* const span = at_index(index);
    if (span == nullptr || span->state != state || span->age.previous != previous) return UINT64_MAX;
    previous = index;
    index = span->age.next;
  }
  return previous == list.youngest ? length : UINT64_MAX;
}

}  // namespace trestle
