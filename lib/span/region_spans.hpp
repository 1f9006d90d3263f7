// Region: reservation, the table, and spans that are taken, given back and coalesced.
#pragma once

#include "span/region.hpp"

namespace trestle {

template <Os O>
bool Region<O>::reserve(O& os, const Key& key, std::size_t bytes, std::size_t least) noexcept {
  key_ = key;
  const std::size_t wanted = std::min(std::bit_ceil(std::max(bytes, kGranule)), kMaxSpanBytes);
  for (std::size_t size = wanted; size >= std::max(least, kGranule); size /= 2) {
    if (!reserve_exactly(os, size)) continue;
    if (size == wanted || size / 2 < least) return true;
    // Address space is limited: leave half of what would fit to the rest of the program.
    release(os);
    return reserve_exactly(os, size / 2);
  }
  return reserve_exactly(os, align_up(least, kGranule));
}

template <Os O>
bool Region<O>::reserve_exactly(O& os, std::size_t bytes) noexcept {
  const std::size_t granules = bytes / kGranule;
  const std::size_t heads_bytes = align_up(granules * sizeof(std::uint32_t), kOsPage);
  const std::size_t descriptors_bytes = align_up(granules * sizeof(SpanDescriptor), kOsPage);
  const std::size_t records_bytes = align_up(granules * sizeof(Shared<void*>), kOsPage);
  table_bytes_ = heads_bytes + records_bytes + descriptors_bytes + 2 * kOsPage;
  table_ = os.reserve(table_bytes_, kOsPage);
  if (table_ == nullptr) return false;
  base_ = os.reserve(bytes, kGranule);
  if (base_ == nullptr) {
    os.release(table_, table_bytes_);
    table_ = nullptr;
    return false;
  }
  heads_ = reinterpret_cast<std::uint32_t*>(table_ + kOsPage);
  records_ = reinterpret_cast<Shared<void*>*>(table_ + kOsPage + heads_bytes);
  descriptors_ = reinterpret_cast<SpanDescriptor*>(table_ + kOsPage + heads_bytes + records_bytes);
  capacity_ = {static_cast<std::uint32_t>(granules)};
  add_roots(base_, bytes);
  bin_heads_.fill(kNoSpan);
  dirty_ = retired_ = {kNoSpan, kNoSpan};
  return true;
}

template <Os O>
void Region<O>::release(O& os) noexcept {
  if (base_ != nullptr) {
    remove_roots(base_, capacity_.bytes());
    permit_access(base_, committed_.bytes());
    os.release(base_, capacity_.bytes());
  }
  if (table_ != nullptr) os.release(table_, table_bytes_);
  const Key key = key_;
  *this = Region{};
  key_ = key;
}

template <Os O>
SpanDescriptor* Region<O>::find(const void* at) const noexcept {
  const auto granule = static_cast<std::uint32_t>((address_of(at) - address_of(base_)) / kGranule);
  if (granule >= frontier().count) return nullptr;
  const std::uint32_t head = heads_[granule];
  if (head > granule) return nullptr;
  SpanDescriptor& span = descriptors_[head];
  if (span.first.count != head || granule - head >= span.length.count) [[unlikely]]
    return nullptr;
  return span.is_sound(key_) ? &span : nullptr;
}

// Makes granules readable, writable and described, in steps that grow with the region so that system calls stay rare.
template <Os O>
bool Region<O>::commit_to(O& os, Granules wanted) noexcept {
  if (wanted <= committed_) return true;
  const std::uint32_t step = std::clamp(committed_.count / 4, least_step_.count, kMostStep);
  const Granules generous{std::min(capacity_.count, std::max(wanted.count, committed_.count + step))};
  for (const Granules target : {generous, wanted}) {
    const auto commit_table = [&](std::byte* table, std::size_t width) {
      const std::size_t from = align_down(committed_.count * width, kOsPage);
      const std::size_t to = align_up(target.count * width, kOsPage);
      return os.commit(table + from, to - from);
    };
    if (!commit_table(reinterpret_cast<std::byte*>(heads_), sizeof(std::uint32_t))) continue;
    if (!commit_table(reinterpret_cast<std::byte*>(records_), sizeof(Shared<void*>))) continue;
    if (!commit_table(reinterpret_cast<std::byte*>(descriptors_), sizeof(SpanDescriptor))) continue;
    if (!os.commit(base_ + committed_.bytes(), (target - committed_).bytes())) continue;
    forbid_access(base_ + committed_.bytes(), (target - committed_).bytes());
    committed_ = target;
    return true;
  }
  return false;
}

template <Os O>
bool Region<O>::advance_frontier(O& os, Granules length) noexcept {
  if (length > capacity_ - frontier() || !commit_to(os, frontier() + length)) return false;
  frontier_ = frontier() + length;
  return true;
}

template <Os O>
SpanDescriptor& Region<O>::write(Granules first, Granules length, SpanState state) noexcept {
  SpanDescriptor& span = descriptors_[first.count];
  span = SpanDescriptor{.first = first, .length = length, .state = state};
  span.seal(key_);
  return span;
}
// What of `dirty` lies in the span may hold pages. insert_free seals it.
template <Os O>
SpanDescriptor& Region<O>::write_free(const GranuleRange& span, const GranuleRange& dirty) noexcept {
  SpanDescriptor& free = write(span.first, span.length(), SpanState::free);
  free.set_dirty_range(dirty.within(span));
  return free;
}

template <Os O>
void Region<O>::map_ends(const SpanDescriptor& span) noexcept {
  heads_[span.first.count] = span.first.count;
  heads_[(span.first + span.length).count - 1] = span.first.count;
}
template <Os O>
void Region<O>::map_all(const SpanDescriptor& span) noexcept {
  std::fill_n(heads_ + span.first.count, span.length.count, span.first.count);
}

template <Os O>
void Region<O>::count(const SpanDescriptor& span, bool add) noexcept {
  const std::uint64_t bytes = add ? span.length.bytes() : -span.length.bytes();
  if (span.state == SpanState::free) {
    counts_.free_bytes += bytes;
    const std::uint64_t dirty = span.dirty_range().length().bytes();
    counts_.dirty_bytes += add ? dirty : -dirty;
  } else if (span.state == SpanState::retired) {
    counts_.retired_bytes += bytes;
    counts_.retired_spans += add ? 1U : UINT64_MAX;
  } else {
    counts_.used_bytes += bytes;
  }
}

template <Os O>
void Region<O>::set_record(SpanDescriptor& span, void* record) noexcept {
  std::fill_n(records_ + span.first.count, span.length.count, record);
  span.payload = address_of(record);
  span.seal(key_);
}

// Behind the span of index `older`; kNoSpan: at the old end.
template <Os O>
void Region<O>::push_behind(AgeList& list, std::uint32_t older, SpanDescriptor& span) noexcept {
  SpanDescriptor* const before = at_index(older);
  const std::uint32_t younger = before != nullptr ? before->age.next : list.oldest;
  SpanDescriptor* const after = at_index(younger);
  span.age = {.next = younger, .previous = older};
  (before != nullptr ? before->age.next : list.oldest) = span.first.count;
  (after != nullptr ? after->age.previous : list.youngest) = span.first.count;
}

// The index of the span that was the next older.
template <Os O>
std::uint32_t Region<O>::drop(AgeList& list, SpanDescriptor& span) noexcept {
  SpanDescriptor* const before = at_index(span.age.previous);
  SpanDescriptor* const after = at_index(span.age.next);
  const bool agree = (before != nullptr ? before->age.next : list.oldest) == span.first.count &&
                     (after != nullptr ? after->age.previous : list.youngest) == span.first.count;
  if (!agree) [[unlikely]]
    return list.youngest;  // an overwritten link is not followed; heap_check tells of it
  (before != nullptr ? before->age.next : list.oldest) = span.age.next;
  (after != nullptr ? after->age.previous : list.youngest) = span.age.previous;
  return std::exchange(span.age, {}).previous;
}

// Into its bin, and where it is dirty into the list by age.
template <Os O>
void Region<O>::insert_free(SpanDescriptor& span, const Age& age) noexcept {
  const unsigned bin = Bins::bin_of(span.length.count);
  span.bin = {.next = bin_heads_[bin], .previous = kNoSpan};
  if (SpanDescriptor* const head = at_index(bin_heads_[bin])) head->bin.previous = span.first.count;
  bin_heads_[bin] = span.first.count;
  bins_.set(bin);
  span.changed_ms = age.since_ms;
  if (span.dirty) push_behind(dirty_, age.older, span);
  span.seal(key_);
  map_ends(span);
  count(span, true);
}

template <Os O>
auto Region<O>::remove_free(SpanDescriptor& span) noexcept -> Age {
  const unsigned bin = Bins::bin_of(span.length.count);
  SpanDescriptor* const before = at_index(span.bin.previous);
  SpanDescriptor* const after = at_index(span.bin.next);
  count(span, false);
  const Age age{span.changed_ms, span.dirty ? drop(dirty_, span) : dirty_.youngest};
  const bool agree = (before != nullptr ? before->bin.next : bin_heads_[bin]) == span.first.count &&
                     (after == nullptr || after->bin.previous == span.first.count);
  if (!agree) [[unlikely]]
    return age;
  (before != nullptr ? before->bin.next : bin_heads_[bin]) = span.bin.next;
  if (after != nullptr) after->bin.previous = span.bin.previous;
  if (bin_heads_[bin] == kNoSpan) bins_.clear(bin);
  span.bin = {};
  return age;
}

template <Os O>
SpanDescriptor* Region<O>::find_free(Granules length) const noexcept {
  unsigned bin = bins_.find_from(Bins::bin_for(length.count));
  if (bin == Bins::kNone) bin = Bins::bin_of(length.count);
  SpanDescriptor* const span = if_sound(at_index(bin_heads_[bin]), SpanState::free);
  if (span != nullptr && span->length >= length) return span;
  SpanDescriptor* const end = free_end();  // so that what is left to do at the frontier is to advance it
  return end != nullptr && end->length >= length ? end : nullptr;
}

// The free span that ends at the frontier, if one does.
template <Os O>
SpanDescriptor* Region<O>::free_end() const noexcept {
  if (frontier().count == 0) return nullptr;
  return free_at({frontier().count - 1});
}

//   before | ........ free ........ |            | free | frontier
//   after  | taken | rest, free ....|     or     | taken .......| frontier
template <Os O>
SpanDescriptor* Region<O>::acquire(O& os, Granules length, SpanState state, bool& zeroed) noexcept {
  SpanDescriptor* span = find_free(length);
  if (span == nullptr) {
    SpanDescriptor* const end = free_end();
    const Granules first = end != nullptr ? end->first : frontier();
    zeroed = end == nullptr || !end->dirty;
    if (!advance_frontier(os, first + length - frontier())) return nullptr;
    if (end != nullptr) remove_free(*end);
    span = &write(first, length, state);
  } else {
    const GranuleRange taken{span->first, span->first + length};
    const GranuleRange rest{taken.end, span->range().end};
    const GranuleRange dirty = span->dirty_range();
    const Age age = remove_free(*span);
    if (!rest.is_empty()) insert_free(write_free(rest, dirty), age);
    span = &write(taken.first, length, state);
    zeroed = dirty.within(taken).is_empty();
  }
  map_all(*span);
  count(*span, true);
  return span;
}

//   before | free | span | free |
//   after  | ...... free ...... |       dirty from the first to the last part that is
template <Os O>
void Region<O>::release_span(SpanDescriptor& span, bool dirty, std::uint64_t now_ms) noexcept {
  count(span, false);
  GranuleRange whole = span.range();
  GranuleRange held = dirty ? whole : GranuleRange{};
  if (SpanDescriptor* const left = whole.first.count != 0 ? free_at({whole.first.count - 1}) : nullptr) {
    remove_free(*left);
    whole.first = left->first;
    held = held.hull(left->dirty_range());
    bury(span);
  }
  if (SpanDescriptor* const right = whole.end < frontier() ? free_at(whole.end) : nullptr) {
    remove_free(*right);
    whole.end = right->range().end;
    held = held.hull(right->dirty_range());
    bury(*right);
  }
  insert_free(write_free(whole, held), young(now_ms));
}

template <Os O>
bool Region<O>::extend(O& os, SpanDescriptor& span, Granules length) noexcept {
  const Granules end = span.first + span.length;
  const Granules wanted = length - span.length;
  SpanDescriptor* const right = end < frontier() ? free_at(end) : nullptr;
  if (right == nullptr && end < frontier()) return false;
  const Granules there = right != nullptr ? right->length : Granules{};
  const bool reaches_frontier = end + there == frontier();
  if (there < wanted) {
    if (!reaches_frontier || !advance_frontier(os, wanted - there)) return false;
  }
  count(span, false);
  if (right != nullptr) {
    const Age age = remove_free(*right);
    const GranuleRange rest{end + wanted, right->range().end};
    const GranuleRange dirty = right->dirty_range();
    bury(*right);
    if (!rest.is_empty()) insert_free(write_free(rest, dirty), age);
  }
  span.length = length;
  span.seal(key_);
  map_all(span);
  count(span, true);
  return true;
}

template <Os O>
void Region<O>::truncate(SpanDescriptor& span, Granules length, std::uint64_t now_ms) noexcept {
  if (length >= span.length) return;
  const Granules rest = span.length - length;
  count(span, false);
  span.length = length;
  span.seal(key_);
  count(span, true);
  SpanDescriptor& tail = write(span.first + length, rest, span.state);
  count(tail, true);
  map_ends(tail);
  release_span(tail, true, now_ms);
}

template <Os O>
void Region<O>::set_state(SpanDescriptor& span, SpanState state) noexcept {
  count(span, false);
  span.state = state;
  span.seal(key_);
  count(span, true);
}

template <Os O>
bool Region<O>::purge(O& os, SpanDescriptor& span, std::uint64_t now_ms) noexcept {
  const GranuleRange held = span.dirty_range();
  const bool purged = os.purge(base_ + held.first.bytes(), held.length().bytes());
  remove_free(span);
  if (purged) span.set_dirty_range({});
  insert_free(span, young(now_ms));
  return purged;
}

template <Os O>
void Region<O>::push_retired(SpanDescriptor& span, std::uint64_t now_ms) noexcept {
  span.changed_ms = now_ms;
  set_state(span, SpanState::retired);
  push_behind(retired_, retired_.youngest, span);
}
template <Os O>
void Region<O>::take_retired(SpanDescriptor& span) noexcept {
  drop(retired_, span);
}

template <Os O>
SpanDescriptor* Region<O>::next(const SpanDescriptor* span) const noexcept {
  const std::uint32_t index = span == nullptr ? 0 : (span->first + span->length).count;
  if (index >= frontier().count) return nullptr;
  SpanDescriptor& found = descriptors_[index];
  const bool sound = found.is_sound(key_) && found.first.count == index && found.length.count != 0 &&
                     found.length <= frontier() - found.first;
  return sound ? &found : nullptr;
}

}  // namespace trestle
