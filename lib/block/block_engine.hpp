// Boundary-tag blocks over extents: the engine that block spans and buffers share. An extent is a stretch of memory tiled
// by blocks and ended by an end header. Free blocks lie in bins of a two-level segregated fit (FitMap): allocate, retire,
// reclaim and resize are O(1) but for the bytes they poison, verify or check.
//
//   I1..I8 of docs/invariants.md hold between any two calls; a call that answers with a fault has changed nothing.
//
// A freed block is first retired: it keeps its place and is poisoned. reclaim makes it a free block and coalesces it.
// The owner says when, after a stay in a quarantine; release does without. Not thread-safe.
//
// Owner (the derived class) answers two questions: extent_of(at), the extent that holds `at`, empty where none does; and
// kBesideExtents, which fault it is to release what none holds.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/arith.hpp"
#include "base/canary.hpp"
#include "base/engine.hpp"
#include "base/fit_map.hpp"
#include "base/keyed.hpp"
#include "base/poison.hpp"
#include "base/policy.hpp"
#include "block/header.hpp"

namespace trestle {

// Memory tiled by blocks; the last sixteen bytes are the end header.
struct Extent {
  std::byte* begin = nullptr;
  std::size_t bytes = 0;

  [[nodiscard]] bool is_empty() const noexcept { return bytes == 0; }
  // Of an empty extent, which a corrupt descriptor gives, an address that no block has.
  [[nodiscard]] std::byte* end_header() const noexcept {
    return reinterpret_cast<std::byte*>(address_of(begin) + bytes - kHeaderBytes);
  }
  [[nodiscard]] bool holds(const std::byte* at, std::size_t length) const noexcept {
    return at >= begin && length <= bytes && static_cast<std::size_t>(at - begin) <= bytes - length;
  }
};

// A block at its place, its header vetted.
struct Block {
  std::byte* at;
  Header header;

  [[nodiscard]] std::byte* payload() const noexcept { return at + kHeaderBytes; }
  [[nodiscard]] std::byte* end() const noexcept { return at + header.size(); }
  [[nodiscard]] std::byte* footer() const noexcept { return end() - kFooterBytes; }
  [[nodiscard]] std::byte* body() const noexcept { return payload() + kLinkBytes; }
};

// What a walk over the extents counts, to be held against the counters and the bins.
struct BlockTally {
  std::uint64_t live_blocks = 0;
  std::uint64_t live_bytes = 0;  // as requested
  std::uint64_t retired_blocks = 0;
  std::uint64_t retired_bytes = 0;  // whole blocks, as are the free bytes
  std::uint64_t free_blocks = 0;
  std::uint64_t free_bytes = 0;

  friend bool operator==(const BlockTally&, const BlockTally&) = default;
};

template <Policy P, class Owner>
class BlockEngine {
 public:
  using Bins = FitMap<36, 4>;  // in units of 16 bytes, to 2^40 bytes

  constexpr BlockEngine() noexcept = default;

  // Where there are canaries each block has one: past a request that fills its block the next header would be hit, which says
  // neither whose doing it was nor how far it went.
  static constexpr std::size_t kLeastPad = P.canary ? 1 : 0;
  // Bytes of the block that serves a request; nothing iff no block is that large.
  [[nodiscard]] static std::optional<std::size_t> block_bytes(std::size_t request) noexcept {
    if (request > kMaxBlockBytes - 2 * kMinBlock) return std::nullopt;
    return std::max(kMinBlock, align_up(kHeaderBytes + request + kLeastPad, kMinAlignment));
  }

  void start(const Key& key) noexcept { key_ = key; }
  void add_extent(const Extent& extent, bool zeroed) noexcept;
  // Takes an extent that is one free block out of the bins.
  Verdict remove_extent(const Extent& extent) noexcept;

  Allocation allocate(std::size_t size, std::size_t alignment, Kind kind) noexcept;
  // Whether `payload` may be released so: the pointer, the claims of `how` and what lies behind. `block` is then what it is.
  Verdict vet_release(const void* payload, const Release& how, Block& block) const noexcept;
  // Live -> retired, of a block that vet_release has passed: poisons it.
  void retire(const Block& block) noexcept;
  // The retired block with that payload, its poison whole.
  [[nodiscard]] Verdict find_retired(void* payload, Block& block) const noexcept;
  // Retired -> free: verifies the poison and coalesces both ways. `freed` becomes the free block that holds it now.
  Verdict reclaim(void* payload, Block& freed) noexcept;
  // Retired -> live again as a request of that size: verifies the poison, and that the block is one of so many bytes.
  Allocation revive(void* payload, std::size_t bytes, std::size_t size, Kind kind) noexcept;
  // Live -> free at once, without a stay between.
  Verdict release(const void* payload, const Release& how) noexcept;
  // Whether release would find the block's neighbours sound.
  Verdict vet_neighbours(const void* payload) const noexcept;
  // In place, or a null payload where the block cannot have that size where it is.
  Allocation resize(void* payload, std::size_t size) noexcept;
  // The header of the live block that starts at `payload`; or what is wrong with the pointer.
  Verdict find_live(const void* payload, Header& header) const noexcept;
  // The same, of a block whose pad is whole.
  Verdict find_whole(const void* payload, Header& header) const noexcept;

  [[nodiscard]] const BlockTally& counts() const noexcept { return counts_; }
  [[nodiscard]] const Key& key() const noexcept { return key_; }
  [[nodiscard]] std::size_t largest_free() const noexcept;
  // Says of a free block that the pages inside it went back.
  void mark_purged(const Block& block) noexcept { store(block.at, block.header.purged()); }
  // Calls visit(const Block&) for every free block of at least `bytes`, as far as the bins are sound.
  template <class Visit>
  void for_each_large_free(std::size_t bytes, Visit visit) const noexcept;

  // Adds what is wrong inside one extent to the sink. Returns false iff it had to stop before the end.
  bool check_extent(const Extent& extent, CheckLevel level, FaultSink& sink, BlockTally& tally) const noexcept;
  // Holds the bins and the counters against a tally of all extents.
  void check_bins(FaultSink& sink, const BlockTally& tally) const noexcept;
  void check_counts(FaultSink& sink, const BlockTally& tally) const noexcept;
  // False iff the visitor ended the walk. Leaves the extent at the first corrupt header.
  bool walk_extent(const Extent& extent, BlockVisitor visitor) const noexcept;
  // All that can be told of a faulty pointer, by walking its extent: the block it lies in, if any; and that put in a fault.
  void explain(const Extent& extent, const std::byte* given, Fault& fault) const noexcept;
  [[nodiscard]] std::optional<Block> block_around(const Extent& extent, const std::byte* at) const noexcept;
  // Whether a sound header tells what the pad or the poison of the block that holds the address should be; and makes it that.
  [[nodiscard]] bool is_mendable(const Extent& extent, const std::byte* at) const noexcept;
  void mend(const Extent& extent, const std::byte* at) noexcept;

 protected:
  [[nodiscard]] std::uint64_t place_of(const std::byte* at) const noexcept { return address_of(at) - address_of(this); }
  [[nodiscard]] std::byte* at_place(std::uint64_t place) const noexcept {
    return reinterpret_cast<std::byte*>(address_of(this) + place);
  }
  [[nodiscard]] std::optional<Header> load(const std::byte* at) const noexcept {
    return load_header(key_, place_of(at), at);
  }
  void store(std::byte* at, Header header) noexcept { store_header(key_, place_of(at), at, header); }

  // As new, but for the key.
  void forget_all() noexcept {
    counts_ = {};
    bins_ = {};
    heads_.fill(0);
  }
  // The free block left of `block`, if there is one, found by its footer and vetted.
  [[nodiscard]] Verdict vet_left(const Extent& extent, const Block& block, std::optional<Block>& left) const noexcept;
  // Whether bytes said to be zero are not, as far as they would be taken for poison.
  [[nodiscard]] static bool is_dirty(const std::byte* at, std::size_t bytes) noexcept {
    return first_other(at, poisoned(bytes), 0) != nullptr;
  }
  // An extent's end has moved on: the bytes from the old end header to the new one become a free block.
  bool add_retired(std::byte* at, std::size_t size, bool previous_used, bool zeroed) noexcept;
  // An extent ends earlier: of its last block, which is free, the first `kept` bytes remain; 0: none.
  void truncate(const Block& last, std::size_t kept) noexcept;

 private:
  [[nodiscard]] const Owner& owner() const noexcept { return static_cast<const Owner&>(*this); }

  // Bytes of a payload of `bytes` that this policy poisons and verifies.
  [[nodiscard]] static constexpr std::size_t poisoned(std::size_t bytes) noexcept {
    return P.poison ? std::min(bytes, P.poison_limit) : 0;
  }
  [[nodiscard]] std::uint64_t canary_of(const std::byte* payload) const noexcept {
    return canary_word(key_, place_of(payload));
  }
  static void scrub(std::byte* at, std::size_t bytes) noexcept { fill(at, bytes, P.poison_byte); }

  // free blocks
  void write_free(std::byte* at, std::size_t size, bool previous_used, bool clean, bool purged = false) noexcept;
  void link(std::byte* at, std::size_t size) noexcept;
  void unlink(const Block& block) noexcept;
  [[nodiscard]] std::uint64_t next_of(const std::byte* at) const noexcept;
  [[nodiscard]] std::uint64_t previous_of(const std::byte* at) const noexcept;
  void set_next(std::byte* at, std::uint64_t place) noexcept;
  void set_previous(std::byte* at, std::uint64_t place) noexcept;
  [[nodiscard]] Verdict vet_free(const Extent& extent, const std::byte* at, std::optional<Block>& block) const noexcept;
  [[nodiscard]] Verdict vet_links(const Extent& extent, const Block& block) const noexcept;
  [[nodiscard]] bool is_linkable(const Extent& likely, std::uint64_t place) const noexcept;
  [[nodiscard]] Verdict find_free(std::size_t size, std::optional<Block>& found) const noexcept;
  [[nodiscard]] Verdict verify_handed(const Block& from, std::byte* payload, const std::byte* end) const noexcept;

  // live blocks
  struct Cut {  // how a free block is divided: | front, free | taken | rest, free |
    std::size_t front = 0;
    std::size_t taken = 0;
    std::size_t rest = 0;
  };
  [[nodiscard]] static Cut cut(const Block& from, std::size_t need, std::size_t alignment) noexcept;
  void set_previous_used(std::byte* at, Header header, bool used) noexcept {
    store(at, header.with_previous_used(used));
  }
  void write_live(std::byte* at, std::size_t size, bool previous_used, Kind kind, std::size_t request) noexcept;
  // What is right of a block: the free block there, if any, and the header behind what is coalesced.
  struct Right {
    std::optional<Block> free;
    Header behind = Header::end(true);
  };
  [[nodiscard]] Verdict vet_right(const Extent& extent, const Block& block, Right& right) const noexcept;
  Block coalesce(const Block& block, const std::optional<Block>& left, const Right& right) noexcept;
  [[nodiscard]] Verdict vet_claims(const Block& block, const Release& how) const noexcept;
  // Whether what lies behind the request is whole.
  [[nodiscard]] Verdict vet_end(const Block& block) const noexcept;
  void settle_rest(const Block& from, std::byte* end, std::size_t rest, Header behind) noexcept;
  void forget_live(const Block& block) noexcept;
  Allocation grow(const Block& block, std::size_t size, std::size_t need) noexcept;
  Allocation shrink(const Block& block, std::size_t size, std::size_t need) noexcept;
  [[nodiscard]] Verdict classify(const void* payload) const noexcept;

  [[nodiscard]] bool check_block(const Extent& extent, const Block& block, bool previous_free, CheckLevel level,
                                 FaultSink& sink) const noexcept;
  void check_payload(const Block& block, FaultSink& sink) const noexcept;
  [[nodiscard]] static std::span<std::byte> poison_of(const Block& block) noexcept;
  [[nodiscard]] static Fault fault_at(FaultKind kind, const std::byte* at, const Block& block) noexcept;

  Key key_;
  BlockTally counts_;
  Bins bins_;
  std::array<std::uint64_t, Bins::kBins> heads_{};
};

}  // namespace trestle

#include "block/block_allocate.hpp"
#include "block/block_check.hpp"
#include "block/block_release.hpp"
