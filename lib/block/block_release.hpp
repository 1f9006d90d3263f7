// BlockEngine: what makes a live block retired and a retired block free.
#pragma once

#include "block/block_engine.hpp"

namespace trestle {

template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::find_live(const void* payload, Header& header) const noexcept {
  const std::byte* const at = header_under(payload);
  if (!is_aligned(payload, kMinAlignment) || !owner().extent_of(at).holds(at, kMinBlock)) [[unlikely]]
    return classify(payload);
  const std::optional<Header> found = load(at);
  if (!found || !found->is_live()) [[unlikely]]
    return classify(payload);
  header = *found;
  return {};
}

template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::find_whole(const void* payload, Header& header) const noexcept {
  if (const Verdict v = find_live(payload, header); v.is_fault()) [[unlikely]]
    return v;
  return vet_end({const_cast<std::byte*>(header_under(payload)), header});
}

// Off the hot path: what a pointer is that is no live block's payload.
template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::classify(const void* payload) const noexcept {
  const auto* const given = static_cast<const std::byte*>(payload);
  const std::byte* const at = header_under(given);
  Extent extent = owner().extent_of(at);
  if (extent.is_empty()) extent = owner().extent_of(given);
  if (extent.is_empty()) return {Owner::kBesideExtents, payload};
  const bool aligned = is_aligned(given, kMinAlignment);
  const std::optional<Block> around = block_around(extent, at);
  // Where the walk met a corrupt header first, it is the pointer's own or one below it.
  if (!around) return {aligned ? FaultKind::header_corrupt : FaultKind::interior_pointer, payload};
  if (around->header.is_end() || at < extent.begin) return {FaultKind::not_a_block, payload};
  if (around->header.is_live()) return {FaultKind::interior_pointer, payload};
  const bool inside_retired = around->header.is_retired() && around->payload() != given;
  if (inside_retired) return {FaultKind::interior_pointer, payload};
  return {aligned ? FaultKind::double_free : FaultKind::not_a_block, payload};
}

template <Policy P, class Owner>
std::optional<Block> BlockEngine<P, Owner>::block_around(const Extent& extent, const std::byte* at) const noexcept {
  std::byte* here = extent.begin;
  while (extent.holds(here, kHeaderBytes)) {
    const std::optional<Header> header = load(here);
    if (!header) return std::nullopt;
    if (header->is_end()) return at >= here ? std::optional{Block{here, *header}} : std::nullopt;
    if (!extent.holds(here, header->size() + kHeaderBytes)) return std::nullopt;
    if (at < here + header->size()) return Block{here, *header};
    here += header->size();
  }
  return std::nullopt;
}

template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::vet_end(const Block& block) const noexcept {
  if constexpr (!P.canary) return {};
  std::byte* const payload = block.payload();
  const std::byte* const wrong =
      broken_canary(payload, block.header.requested(), block.header.served(), canary_of(payload));
  if (wrong != nullptr) [[unlikely]]
    return {FaultKind::write_past_end, wrong};
  return {};
}

template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::vet_claims(const Block& block, const Release& how) const noexcept {
  if (const Verdict v = vet_end(block); v.is_fault()) [[unlikely]]
    return v;
  if constexpr (P.sized_free_checked) {
    if (how.size != Release::kNoClaim && how.size != block.header.requested()) [[unlikely]] {
      return {FaultKind::size_mismatch, block.payload()};
    }
    if (how.alignment != 0 && !is_aligned(block.payload(), how.alignment)) [[unlikely]] {
      return {FaultKind::alignment_mismatch, block.payload()};
    }
  }
  if constexpr (P.kind_checked) {
    if (how.kind != Kind::none && how.kind != block.header.kind()) [[unlikely]]
      return {FaultKind::kind_mismatch, block.payload()};
  }
  return {};
}

template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::vet_release(const void* payload, const Release& how, Block& block) const noexcept {
  Header header = Header::end(true);
  if (const Verdict v = find_live(payload, header); v.is_fault()) [[unlikely]]
    return v;
  block = {static_cast<std::byte*>(const_cast<void*>(payload)) - kHeaderBytes, header};
  return vet_claims(block, how);
}

template <Policy P, class Owner>
void BlockEngine<P, Owner>::retire(const Block& block) noexcept {
  const Header header = load(block.at).value_or(block.header);  // a neighbour may have been freed since it was vetted
  store(block.at, header.retired());
  if constexpr (P.poison) scrub(block.payload(), poisoned(header.served()));
  forget_live(block);
  ++counts_.retired_blocks;
  counts_.retired_bytes += header.size();
}

template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::vet_neighbours(const void* payload) const noexcept {
  Block block{nullptr, Header::end(true)};
  if (const Verdict v = vet_release(payload, {.kind = Kind::none}, block); v.is_fault()) [[unlikely]]
    return v;
  const Extent extent = owner().extent_of(block.at);
  std::optional<Block> left;
  if (const Verdict v = vet_left(extent, block, left); v.is_fault()) [[unlikely]]
    return v;
  Right right;
  return vet_right(extent, block, right);
}

template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::release(const void* payload, const Release& how) noexcept {
  Block block{nullptr, Header::end(true)};
  if (const Verdict v = vet_release(payload, how, block); v.is_fault()) [[unlikely]]
    return v;
  const Extent extent = owner().extent_of(block.at);
  std::optional<Block> left;
  if (const Verdict v = vet_left(extent, block, left); v.is_fault()) [[unlikely]]
    return v;
  Right right;
  if (const Verdict v = vet_right(extent, block, right); v.is_fault()) [[unlikely]]
    return v;
  if constexpr (P.poison) scrub(block.payload(), poisoned(block.header.served()));
  forget_live(block);
  (void)coalesce(block, left, right);
  return {};
}

// What lies to the left: the free block to coalesce with, if there is one, found by its footer.
template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::vet_left(const Extent& extent, const Block& block,
                                        std::optional<Block>& left) const noexcept {
  if (block.header.is_previous_used()) return {};
  const std::byte* const footer = block.at - kFooterBytes;
  if (!extent.holds(footer, kFooterBytes)) [[unlikely]]
    return {FaultKind::boundary_tag_mismatch, block.at};
  const std::optional<std::size_t> size = load_footer(key_, place_of(footer), footer);
  if (!size || *size > static_cast<std::size_t>(block.at - extent.begin)) [[unlikely]]
    return {FaultKind::footer_corrupt, footer};
  if (const Verdict v = vet_free(extent, block.at - *size, left); v.is_fault()) [[unlikely]]
    return v;
  if (left->end() != block.at) [[unlikely]]
    return {FaultKind::boundary_tag_mismatch, block.at};
  return {};
}

// What lies to the right of a block in use: the free block to coalesce with, if there is one, and the header behind.
template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::vet_right(const Extent& extent, const Block& block, Right& right) const noexcept {
  if (!extent.holds(block.end(), kHeaderBytes)) [[unlikely]]
    return {FaultKind::block_overruns_span, block.at};
  const std::optional<Header> next = load(block.end());
  if (!next) [[unlikely]]
    return {FaultKind::header_corrupt, block.end()};
  if (!next->is_previous_used()) [[unlikely]]
    return {FaultKind::boundary_tag_mismatch, block.end()};
  right.behind = *next;
  if (next->is_used()) return {};
  if (const Verdict v = vet_free(extent, block.end(), right.free); v.is_fault()) [[unlikely]]
    return v;
  const std::optional<Header> behind = load(right.free->end());
  if (!behind) [[unlikely]]
    return {FaultKind::header_corrupt, right.free->end()};
  if (behind->is_previous_used()) [[unlikely]]
    return {FaultKind::boundary_tag_mismatch, right.free->end()};
  right.behind = *behind;
  return {};
}

template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::find_retired(void* payload, Block& block) const noexcept {
  auto* const at = const_cast<std::byte*>(header_under(payload));
  const std::optional<Header> header = owner().extent_of(at).holds(at, kMinBlock) ? load(at) : std::nullopt;
  if (!header || !header->is_retired()) [[unlikely]]
    return {FaultKind::header_corrupt, payload};
  block = {at, *header};
  if constexpr (P.poison) {
    const std::byte* const wrong = first_other(block.payload(), poisoned(header->served()), P.poison_byte);
    if (wrong != nullptr) [[unlikely]]
      return {FaultKind::write_after_free, wrong};
  }
  return {};
}

template <Policy P, class Owner>
Allocation BlockEngine<P, Owner>::revive(void* payload, std::size_t bytes, std::size_t size, Kind kind) noexcept {
  Block block{nullptr, Header::end(true)};
  if (const Verdict v = find_retired(payload, block); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  if (block.header.size() != bytes) [[unlikely]]
    return {payload, FaultKind::header_corrupt};
  --counts_.retired_blocks;
  counts_.retired_bytes -= block.header.size();
  write_live(block.at, block.header.size(), block.header.is_previous_used(), kind, size);
  return {payload, FaultKind::none};
}

template <Policy P, class Owner>
Verdict BlockEngine<P, Owner>::reclaim(void* payload, Block& freed) noexcept {
  Block block{nullptr, Header::end(true)};
  if (const Verdict v = find_retired(payload, block); v.is_fault()) [[unlikely]]
    return v;
  const Extent extent = owner().extent_of(block.at);
  std::optional<Block> left;
  if (const Verdict v = vet_left(extent, block, left); v.is_fault()) [[unlikely]]
    return v;
  Right right;
  if (const Verdict v = vet_right(extent, block, right); v.is_fault()) [[unlikely]]
    return v;
  --counts_.retired_blocks;
  counts_.retired_bytes -= block.header.size();
  freed = coalesce(block, left, right);
  return {};
}

//   before | left, free | block | right, free | behind |
//   after  | .......... one free block ...... | behind |      left and right may be missing
// What was metadata inside becomes poison, so that no stale header can pass for a live one.
template <Policy P, class Owner>
Block BlockEngine<P, Owner>::coalesce(const Block& block, const std::optional<Block>& left,
                                      const Right& right) noexcept {
  bool clean = P.poison && P.poison_limit >= block.header.served();
  bool previous_used = true;
  std::byte* start = block.at;
  std::byte* end = block.end();
  if (left) {
    unlink(*left);
    start = left->at;
    clean = clean && left->header.is_clean();
    previous_used = left->header.is_previous_used();
    scrub(block.at - kFooterBytes, kFooterBytes + kHeaderBytes);
  }
  if (right.free) {
    unlink(*right.free);
    end = right.free->end();
    clean = clean && right.free->header.is_clean();
    scrub(right.free->at, kHeaderBytes + kLinkBytes);
  } else {
    set_previous_used(end, right.behind, false);
  }
  const auto size = static_cast<std::size_t>(end - start);
  write_free(start, size, previous_used, clean);
  return {start, Header::free(size, previous_used, clean)};
}

}  // namespace trestle
