// BlockEngine: the walker. Tiling, free lists and accounting are three views that must agree. It writes nothing, follows no
// length or link before it has bounded it, and so ends on any bytes whatever.
#pragma once

#include "block/block_engine.hpp"

namespace trestle {

template <Policy P, class Owner>
Fault BlockEngine<P, Owner>::fault_at(FaultKind kind, const std::byte* at, const Block& block) noexcept {
  const bool live = block.header.is_live();
  return {.kind = kind,
          .address = at,
          .block = block.payload(),
          .requested = live ? block.header.requested() : 0,
          .served = block.header.served()};
}

template <Policy P, class Owner>
bool BlockEngine<P, Owner>::check_extent(const Extent& extent, CheckLevel level, FaultSink& sink,
                                         BlockTally& tally) const noexcept {
  bool previous_free = false;
  for (std::byte* at = extent.begin;;) {
    const std::optional<Header> header = load(at);
    if (!header) {  // I1
      sink.add({.kind = FaultKind::header_corrupt,
                .address = at,
                .block = at + kHeaderBytes,
                .expected = tag_of(key_, place_of(at), load_word(at)),
                .found = load_word(at + 8)});
      return false;
    }
    const Block block{at, *header};
    const bool at_end = at == extent.end_header();
    if (header->is_end() != at_end || !extent.holds(at, header->size() + kHeaderBytes)) {  // I2
      sink.add({.kind = FaultKind::block_overruns_span,
                .address = at,
                .block = at + kHeaderBytes,
                .expected = static_cast<std::uint64_t>(extent.end_header() - at),
                .found = header->size()});
      return false;
    }
    if (header->is_previous_used() == previous_free) {  // I3
      sink.add({.kind = FaultKind::boundary_tag_mismatch,
                .address = at,
                .block = at + kHeaderBytes,
                .expected = previous_free ? 0U : 1U,
                .found = previous_free ? 1U : 0U});
    }
    if (at_end) return true;
    if (!check_block(extent, block, previous_free, level, sink)) return false;
    if (header->is_live()) {
      ++tally.live_blocks;
      tally.live_bytes += header->requested();
    } else if (header->is_retired()) {
      ++tally.retired_blocks;
      tally.retired_bytes += header->size();
    } else {
      ++tally.free_blocks;
      tally.free_bytes += header->size();
    }
    previous_free = header->is_free();
    at += header->size();
  }
}

// False iff the walk cannot go on behind this block.
template <Policy P, class Owner>
bool BlockEngine<P, Owner>::check_block(const Extent& extent, const Block& block, bool previous_free, CheckLevel level,
                                        FaultSink& sink) const noexcept {
  if (block.header.is_free()) {
    if (previous_free) sink.add(fault_at(FaultKind::uncoalesced_neighbours, block.at, block));  // I4
    const std::optional<std::size_t> size = load_footer(key_, place_of(block.footer()), block.footer());
    if (!size || *size != block.header.size()) {  // I7
      Fault fault = fault_at(FaultKind::footer_corrupt, block.footer(), block);
      fault.expected = block.header.size();
      fault.found = load_word(block.footer());
      sink.add(fault);
    }
    if (const Verdict v = vet_links(extent, block); v.is_fault()) {  // I8
      sink.add(fault_at(v.kind, static_cast<const std::byte*>(v.at), block));
    }
  }
  if (level == CheckLevel::full) check_payload(block, sink);
  return extent.holds(block.at, block.header.size() + kHeaderBytes);
}

// Which bytes of a retired or free block are poison.
template <Policy P, class Owner>
std::span<std::byte> BlockEngine<P, Owner>::poison_of(const Block& block) noexcept {
  if constexpr (!P.poison) return {};
  const std::size_t bytes = poisoned(block.header.served());
  if (block.header.is_retired()) return {block.payload(), bytes};
  std::byte* const limit = block.header.is_clean() ? block.footer() : block.payload() + bytes;
  std::byte* const last = std::min(limit, block.footer());
  return block.body() < last ? std::span<std::byte>{block.body(), last} : std::span<std::byte>{};
}

template <Policy P, class Owner>
void BlockEngine<P, Owner>::check_payload(const Block& block, FaultSink& sink) const noexcept {
  const std::byte* wrong = nullptr;
  FaultKind kind = FaultKind::write_after_free;  // I6
  std::uint64_t expected = P.poison_byte;
  if (block.header.is_live()) {
    if constexpr (!P.canary) return;
    kind = FaultKind::write_past_end;  // I5
    const std::uint64_t word = canary_of(block.payload());
    wrong = broken_canary(block.payload(), block.header.requested(), block.header.served(), word);
    if (wrong != nullptr) expected = canary_byte(word, static_cast<std::size_t>(wrong - block.payload()));
  } else {
    const std::span<const std::byte> poison = poison_of(block);
    wrong = first_other(poison.data(), poison.size(), P.poison_byte);
  }
  if (wrong == nullptr) return;
  Fault fault = fault_at(kind, wrong, block);
  fault.expected = expected;
  fault.found = std::to_integer<std::uint64_t>(*wrong);
  sink.add(fault);
}

// I8: every list ends, holds only free blocks of its bin, and together they hold all of them.
template <Policy P, class Owner>
void BlockEngine<P, Owner>::check_bins(FaultSink& sink, const BlockTally& tally) const noexcept {
  std::uint64_t blocks = 0;
  const auto mismatch = [&](std::uint64_t place, std::uint64_t expected, std::uint64_t found) {
    sink.add({.kind = FaultKind::bin_mismatch,
              .address = place == 0 ? static_cast<const void*>(&bins_) : at_place(place),
              .expected = expected,
              .found = found});
  };
  if (!bins_.is_consistent()) mismatch(0, 1, 0);
  for (unsigned bin = bins_.next_busy(0, heads_, 0); bin < Bins::kBins; bin = bins_.next_busy(bin + 1, heads_, 0)) {
    if (bins_.is_set(bin) != (heads_[bin] != 0)) mismatch(heads_[bin], heads_[bin] != 0, bins_.is_set(bin));
    for (std::uint64_t place = heads_[bin]; place != 0 && blocks <= tally.free_blocks; ++blocks) {
      const std::optional<Header> header = is_linkable({}, place) ? load(at_place(place)) : std::nullopt;
      if (!header || !header->is_free() || Bins::bin_of(header->size() / kMinAlignment) != bin) {
        mismatch(place, bin, header && header->is_free() ? Bins::bin_of(header->size() / kMinAlignment) : Bins::kNone);
        return;
      }
      place = next_of(at_place(place));
    }
  }
  if (blocks != tally.free_blocks) mismatch(0, tally.free_blocks, blocks);
}

// I9: the counters are what a count gives.
template <Policy P, class Owner>
void BlockEngine<P, Owner>::check_counts(FaultSink& sink, const BlockTally& tally) const noexcept {
  const auto compare = [&](const std::uint64_t& counter, std::uint64_t counted) {
    if (counter == counted) return;
    sink.add({.kind = FaultKind::accounting_mismatch, .address = &counter, .expected = counted, .found = counter});
  };
  compare(counts_.live_blocks, tally.live_blocks);
  compare(counts_.live_bytes, tally.live_bytes);
  compare(counts_.retired_blocks, tally.retired_blocks);
  compare(counts_.retired_bytes, tally.retired_bytes);
  compare(counts_.free_blocks, tally.free_blocks);
  compare(counts_.free_bytes, tally.free_bytes);
}

template <Policy P, class Owner>
void BlockEngine<P, Owner>::explain(const Extent& extent, const std::byte* given, Fault& fault) const noexcept {
  const bool about_bytes = fault.kind == FaultKind::write_past_end || fault.kind == FaultKind::write_after_free;
  const auto* const wrong = static_cast<const std::byte*>(fault.address);
  const std::optional<Block> around = block_around(extent, wrong != given ? wrong : header_under(given));
  if (!around || around->header.is_end()) {
    const std::byte* const own = header_under(given);
    if (!is_aligned(given, kMinAlignment) || !extent.holds(own, kHeaderBytes)) return;
    const std::optional<Header> header = load(own);
    const bool is_behind = header && fault.kind == FaultKind::header_corrupt && wrong == own + header->size();
    const std::byte* const at = is_behind ? wrong : own;
    fault.block = given;
    fault.served = is_behind ? header->served() : 0;
    fault.requested = is_behind ? header->requested() : 0;
    fault.expected = tag_of(key_, place_of(at), load_word(at));
    fault.found = load_word(at + 8);
    return;
  }
  fault.block = around->payload();
  fault.served = around->header.served();
  fault.requested = around->header.is_used() ? around->header.requested() : 0;
  if (!about_bytes || !extent.holds(wrong, 1)) return;
  const bool live = around->header.is_live();
  fault.expected = live ? canary_byte(canary_of(around->payload()), static_cast<std::size_t>(wrong - around->payload()))
                        : P.poison_byte;
  fault.found = std::to_integer<std::uint64_t>(*wrong);
}

template <Policy P, class Owner>
bool BlockEngine<P, Owner>::is_mendable(const Extent& extent, const std::byte* at) const noexcept {
  const std::optional<Block> around = block_around(extent, at);
  return around && !around->header.is_end() && (around->header.is_live() ? P.canary : P.poison);
}

template <Policy P, class Owner>
void BlockEngine<P, Owner>::mend(const Extent& extent, const std::byte* at) noexcept {
  const Block block = *block_around(extent, at);
  if (block.header.is_live()) {
    write_canary(block.payload(), block.header.requested(), block.header.served(), canary_of(block.payload()));
  } else {
    const std::span<std::byte> poison = poison_of(block);
    fill_others(poison.data(), poison.size(), P.poison_byte);
  }
}

template <Policy P, class Owner>
bool BlockEngine<P, Owner>::walk_extent(const Extent& extent, BlockVisitor visitor) const noexcept {
  for (std::byte* at = extent.begin; extent.holds(at, kHeaderBytes);) {
    const std::optional<Header> header = load(at);
    if (!header || header->is_end() || !extent.holds(at, header->size() + kHeaderBytes)) return true;
    BlockView view{.payload = at + kHeaderBytes, .requested = 0, .served = header->served()};
    if (header->is_used()) {
      view.state = header->is_live() ? BlockState::live : BlockState::retired;
      view.requested = header->requested();
      view.kind = header->kind();
    }
    if (!visitor(view)) return false;
    at += header->size();
  }
  return true;
}

}  // namespace trestle
