// BlockEngine: extents, free blocks and their bins, allocation and resizing in place.
#pragma once

#include "block/block_engine.hpp"

namespace trestle {

template <Policy P, class Owner>
void BlockEngine<P, Owner>::add_extent(const Extent& extent, bool zeroed) noexcept {
  const std::size_t size = extent.bytes - kHeaderBytes;
  store(extent.end_header(), Header::end(false));
  const bool clean = P.poison && zeroed && P.poison_byte == 0;
  if (P.poison && !clean) scrub(extent.begin + kHeaderBytes, poisoned(size - kHeaderBytes));
  write_free(extent.begin, size, true, clean || (P.poison && P.poison_limit >= size));
}

template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::remove_extent(const Extent& extent) noexcept {
  std::optional<Block> whole;
  if (const Verdict v = vet_free(extent, extent.begin, whole); v.is_fault()) return v;
  unlink(*whole);
  return {};
}

template <Policy P, class Owner>
bool BlockEngine<P, Owner>::add_retired(std::byte* at, std::size_t size, bool previous_used, bool zeroed) noexcept {
  store(at, Header::live(size, previous_used, Kind::none, 0).retired());
  const bool poisoned_already = zeroed && P.poison_byte == 0;
  if (P.poison && !poisoned_already) scrub(at + kHeaderBytes, poisoned(size - kHeaderBytes));
  ++counts_.retired_blocks;
  counts_.retired_bytes += size;
  Block freed{at, Header::end(true)};
  return !reclaim(at + kHeaderBytes, freed).is_fault();
}

template <Policy P, class Owner>
void BlockEngine<P, Owner>::truncate(const Block& last, std::size_t kept) noexcept {
  unlink(last);
  scrub(last.end(), kHeaderBytes);
  store(last.at + kept, Header::end(kept == 0 && last.header.is_previous_used()));
  if (kept != 0) write_free(last.at, kept, last.header.is_previous_used(), last.header.is_clean());
}

// A free block's frame and its place in the bins. Its body is the caller's care.
template <Policy P, class Owner>
void BlockEngine<P, Owner>::write_free(std::byte* at, std::size_t size, bool previous_used, bool clean,
                                       bool purged) noexcept {
  store(at, Header::free(size, previous_used, clean, purged));
  std::byte* const footer = at + size - kFooterBytes;
  store_footer(key_, place_of(footer), footer, size);
  link(at, size);
}

// A head that leads nowhere, or was overwritten, is left alone: the list begins anew, and heap_check misses what it held.
template <Policy P, class Owner>
void BlockEngine<P, Owner>::link(std::byte* at, std::size_t size) noexcept {
  const unsigned bin = Bins::bin_of(size / kMinAlignment);
  std::uint64_t head = heads_[bin];
  if (head != 0 && (!is_linkable({}, head) || previous_of(at_place(head)) != 0)) [[unlikely]]
    head = 0;
  set_next(at, head);
  set_previous(at, 0);
  if (head != 0) set_previous(at_place(head), place_of(at));
  heads_[bin] = place_of(at);
  bins_.set(bin);
  ++counts_.free_blocks;
  counts_.free_bytes += size;
}

// The block's links have been vetted.
template <Policy P, class Owner>
void BlockEngine<P, Owner>::unlink(const Block& block) noexcept {
  const std::uint64_t next = next_of(block.at);
  const std::uint64_t previous = previous_of(block.at);
  if (next != 0) set_previous(at_place(next), previous);
  if (previous != 0) {
    set_next(at_place(previous), next);
  } else {
    const unsigned bin = Bins::bin_of(block.header.size() / kMinAlignment);
    heads_[bin] = next;
    if (next == 0) bins_.clear(bin);
  }
  --counts_.free_blocks;
  counts_.free_bytes -= block.header.size();
}

template <Policy P, class Owner>
std::uint64_t BlockEngine<P, Owner>::next_of(const std::byte* at) const noexcept {
  return load_link(key_, place_of(at + kHeaderBytes), at + kHeaderBytes);
}
template <Policy P, class Owner>
std::uint64_t BlockEngine<P, Owner>::previous_of(const std::byte* at) const noexcept {
  return load_link(key_, place_of(at + kHeaderBytes + 8), at + kHeaderBytes + 8);
}
template <Policy P, class Owner>
void BlockEngine<P, Owner>::set_next(std::byte* at, std::uint64_t place) noexcept {
  store_link(key_, place_of(at + kHeaderBytes), at + kHeaderBytes, place);
}
template <Policy P, class Owner>
void BlockEngine<P, Owner>::set_previous(std::byte* at, std::uint64_t place) noexcept {
  store_link(key_, place_of(at + kHeaderBytes + 8), at + kHeaderBytes + 8, place);
}

// A block could start at the place: followed, it leads into an extent. Most lists stay within one, so the likely is tried first.
template <Policy P, class Owner>
bool BlockEngine<P, Owner>::is_linkable(const Extent& likely, std::uint64_t place) const noexcept {
  const std::byte* const at = at_place(place);
  if (!is_aligned(at, kMinAlignment)) return false;
  return likely.holds(at, kMinBlock) || owner().extent_of(at).holds(at, kMinBlock);
}

// Both neighbours in the list, and the bin's head, know the block.
template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::vet_links(const Extent& extent, const Block& block) const noexcept {
  const std::uint64_t self = place_of(block.at);
  const Verdict corrupt{FaultKind::free_link_corrupt, block.payload()};
  if (const std::uint64_t next = next_of(block.at); next != 0) {
    if (!is_linkable(extent, next) || previous_of(at_place(next)) != self) [[unlikely]]
      return corrupt;
  }
  if (const std::uint64_t previous = previous_of(block.at); previous != 0) {
    if (!is_linkable(extent, previous) || next_of(at_place(previous)) != self) [[unlikely]]
      return corrupt;
  } else if (heads_[Bins::bin_of(block.header.size() / kMinAlignment)] != self) [[unlikely]] {
    return {FaultKind::bin_mismatch, block.at};
  }
  return {};
}

// A free block that starts at `at`, every part of its frame sound; its end header or right neighbour lies in the extent.
template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::vet_free(const Extent& extent, const std::byte* at,
                                        std::optional<Block>& block) const noexcept {
  const std::optional<Header> header = load(at);
  if (!header || !header->is_free()) [[unlikely]]
    return {FaultKind::header_corrupt, at};
  if (!extent.holds(at, header->size() + kHeaderBytes)) [[unlikely]]
    return {FaultKind::block_overruns_span, at};
  const Block found{const_cast<std::byte*>(at), *header};
  const std::optional<std::size_t> size = load_footer(key_, place_of(found.footer()), found.footer());
  if (!size || *size != header->size()) [[unlikely]]
    return {FaultKind::footer_corrupt, found.footer()};
  if (const Verdict v = vet_links(extent, found); v.is_fault()) [[unlikely]]
    return v;
  block = found;
  return {};
}

// The first block of the lowest bin that surely fits; failing that, the first of the request's own bin, if that fits.
template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::find_free(std::size_t size, std::optional<Block>& found) const noexcept {
  const std::size_t units = size / kMinAlignment;
  unsigned bin = bins_.find_from(Bins::bin_for(units));
  if (bin == Bins::kNone) bin = Bins::bin_of(units);
  const std::uint64_t head = heads_[bin];
  if (head == 0) return {};
  const std::byte* const at = at_place(head);
  const Extent extent = owner().extent_of(at);
  if (!is_linkable(extent, head)) [[unlikely]]
    return {FaultKind::bin_mismatch, at};
  if (const Verdict v = vet_free(extent, at, found); v.is_fault()) [[unlikely]]
    return v;
  if (found->header.size() < size) found.reset();
  return {};
}

template <Policy P, class Owner>
auto BlockEngine<P, Owner>::cut(const Block& from, std::size_t need, std::size_t alignment) noexcept -> Cut {
  Cut parts;
  if (alignment > kMinAlignment) {
    const std::uintptr_t first = address_of(from.payload());
    std::uintptr_t payload = align_up(first, alignment);
    if (payload != first && payload - first < kMinBlock) payload = align_up(first + kMinBlock, alignment);
    parts.front = payload - first;
  }
  parts.taken = need;
  parts.rest = from.header.size() - parts.front - need;
  if (parts.rest < kMinBlock) {
    parts.taken += parts.rest;
    parts.rest = 0;
  }
  return parts;
}

// What an allocation at `payload` to `end` uncovers of a free block still reads as poison. Beyond `end`, as much as the
// frame of the rest overwrites, and in a block that is not clean, all that is known to be poison: it is written anew.
template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::verify_handed(const Block& from, std::byte* payload,
                                             const std::byte* end) const noexcept {
  if constexpr (!P.poison) return {};
  const std::byte* const known =
      from.header.is_clean()
          ? from.footer()
          : std::min<const std::byte*>(from.footer(), from.payload() + poisoned(from.header.served()));
  const std::byte* first = from.body();
  const std::byte* last = known;
  if (from.header.is_clean()) {
    first = std::max<const std::byte*>(first, payload - kHeaderBytes - kFooterBytes);
    const std::size_t length = poisoned(static_cast<std::size_t>(end - payload)) + kHeaderBytes + kLinkBytes;
    last = std::min<const std::byte*>(known, payload + length);
  }
  if (first >= last) return {};
  const std::byte* const wrong = first_other(first, static_cast<std::size_t>(last - first), P.poison_byte);
  if (wrong != nullptr) [[unlikely]]
    return {FaultKind::write_after_free, wrong};
  return {};
}

template <Policy P, class Owner>
void BlockEngine<P, Owner>::write_live(std::byte* at, std::size_t size, bool previous_used, Kind kind,
                                       std::size_t request) noexcept {
  std::byte* const payload = at + kHeaderBytes;
  const std::size_t served = size - kHeaderBytes;
  store(at, Header::live(size, previous_used, kind, served - request));
  if constexpr (P.canary) write_canary(payload, request, served, canary_of(payload));
  ++counts_.live_blocks;
  counts_.live_bytes += request;
}

// The last `rest` bytes of a free block, from `end` on, stay free; where there are none, the header behind learns of it.
template <Policy P, class Owner>
void BlockEngine<P, Owner>::settle_rest(const Block& from, std::byte* end, std::size_t rest, Header behind) noexcept {
  if (rest == 0) {
    set_previous_used(from.end(), behind, true);
    scrub(from.footer(), kFooterBytes);
    return;
  }
  const bool clean = from.header.is_clean();
  if (P.poison && !clean) scrub(end + kHeaderBytes, poisoned(rest - kHeaderBytes));
  write_free(end, rest, true, clean || (P.poison && P.poison_limit >= rest), from.header.is_purged());
}

template <Policy P, class Owner>
void BlockEngine<P, Owner>::forget_live(const Block& block) noexcept {
  --counts_.live_blocks;
  counts_.live_bytes -= block.header.requested();
}

//   before | ............ from, free ............ |
//   after  | front, free | taken, live | rest, free |      front and rest may be missing
template <Policy P, class Owner>
Allocation BlockEngine<P, Owner>::allocate(std::size_t size, std::size_t alignment, Kind kind) noexcept {
  const std::optional<std::size_t> need = block_bytes(size);
  if (!need || alignment > kMaxBlockBytes) return {};
  const std::size_t room = alignment > kMinAlignment ? *need + alignment + kMinBlock : *need;
  std::optional<Block> found;
  if (const Verdict v = find_free(room, found); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  if (!found) return {};

  const Block from = *found;
  const Cut parts = cut(from, *need, alignment);
  std::byte* const at = from.at + parts.front;
  std::byte* const end = at + parts.taken;
  const std::optional<Header> next = load(from.end());
  if (!next) [[unlikely]]
    return {from.end(), FaultKind::header_corrupt};
  if (const Verdict v = verify_handed(from, at + kHeaderBytes, end); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);

  unlink(from);
  if (parts.front != 0)
    write_free(from.at, parts.front, from.header.is_previous_used(), from.header.is_clean(), from.header.is_purged());
  settle_rest(from, end, parts.rest, *next);
  // Whoever gets the block reads neither our links nor, where a cut left the known poison behind, an earlier owner's bytes.
  const bool unknown = P.poison && parts.front != 0 && !from.header.is_clean();
  scrub(at + kHeaderBytes, unknown ? poisoned(parts.taken - kHeaderBytes) : kLinkBytes);
  write_live(at, parts.taken, parts.front == 0 && from.header.is_previous_used(), kind, size);
  return {at + kHeaderBytes, FaultKind::none};
}

template <Policy P, class Owner>
Allocation BlockEngine<P, Owner>::resize(void* payload, std::size_t size) noexcept {
  Header header = Header::end(true);
  if (const Verdict v = find_live(payload, header); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  const Block block{static_cast<std::byte*>(payload) - kHeaderBytes, header};
  if (const Verdict v = vet_end(block); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  const std::optional<std::size_t> need = block_bytes(size);
  if (!need) return {};
  return *need > header.size() ? grow(block, size, *need) : shrink(block, size, *need);
}

//   before | block, live | .... next, free .... |
//   after  | block, live ....... | rest, free ..|       rest may be missing
template <Policy P, class Owner>
Allocation BlockEngine<P, Owner>::grow(const Block& block, std::size_t size, std::size_t need) noexcept {
  Right right;
  if (const Verdict v = vet_right(owner().extent_of(block.at), block, right); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  if (!right.free || block.header.size() + right.free->header.size() < need) return {};
  const Block next = *right.free;
  std::size_t rest = block.header.size() + next.header.size() - need;
  if (rest < kMinBlock) rest = 0;
  std::byte* const end = next.end() - rest;
  if (const Verdict v = verify_handed(next, next.payload(), end); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);

  unlink(next);
  forget_live(block);
  if constexpr (P.poison) scrub(block.payload() + block.header.requested(), block.header.pad());
  scrub(next.at, kHeaderBytes + kLinkBytes);
  settle_rest(next, end, rest, right.behind);
  write_live(block.at, static_cast<std::size_t>(end - block.at), block.header.is_previous_used(), block.header.kind(),
             size);
  return {block.payload(), FaultKind::none};
}

// To what fits in the block, which may be more than it had. A tail worth a block is cut off, retired on the spot and reclaimed; a
// smaller one becomes pad.
template <Policy P, class Owner>
Allocation BlockEngine<P, Owner>::shrink(const Block& block, std::size_t size, std::size_t need) noexcept {
  const std::size_t rest = block.header.size() - need;
  const std::size_t kept = rest < kMinBlock ? block.header.size() : need;
  Right right;  // vetted before anything changes
  if (const Verdict v = vet_right(owner().extent_of(block.at), block, right); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  forget_live(block);
  const std::size_t before = block.header.requested();
  if (P.canary && size > before) scrub(block.payload() + before, size - before);  // it grows into its own pad
  write_live(block.at, kept, block.header.is_previous_used(), block.header.kind(), size);
  if (kept == block.header.size()) return {block.payload(), FaultKind::none};

  std::byte* const tail = block.at + kept;
  store(tail, Header::live(rest, true, Kind::none, 0).retired());
  if constexpr (P.poison) scrub(tail + kHeaderBytes, poisoned(rest - kHeaderBytes));
  ++counts_.retired_blocks;
  counts_.retired_bytes += rest;
  Block freed{tail, Header::end(true)};
  if (const Verdict v = reclaim(tail + kHeaderBytes, freed); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  return {block.payload(), FaultKind::none};
}

template <Policy P, class Owner>
template <class Visit>
void BlockEngine<P, Owner>::for_each_large_free(std::size_t bytes, Visit visit) const noexcept {
  std::uint64_t left = counts_.free_blocks;  // a corrupt list may be a ring
  for (unsigned bin = Bins::bin_of(bytes / kMinAlignment); bin < Bins::kBins; ++bin) {
    for (std::uint64_t place = heads_[bin]; place != 0 && left != 0; --left) {
      std::optional<Block> block;
      const Extent extent = owner().extent_of(at_place(place));
      if (!is_linkable(extent, place) || vet_free(extent, at_place(place), block).is_fault()) return;
      visit(*block);
      place = next_of(block->at);
    }
  }
}

template <Policy P, class Owner>
std::size_t BlockEngine<P, Owner>::largest_free() const noexcept {
  const unsigned bin = bins_.highest();
  if (bin == Bins::kNone || !is_linkable({}, heads_[bin])) return 0;
  const std::optional<Header> header = load(at_place(heads_[bin]));
  return header && header->is_free() ? header->served() - kLeastPad : 0;
}

}  // namespace trestle
