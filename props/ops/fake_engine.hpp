// A heap so simple that it is right by looking at it, with a bug to switch on: what the oracle is tested against.
// Blocks are kept in a table beside the buffer, first fit, sixteen bytes apart at least.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "base/arith.hpp"
#include "base/engine.hpp"
#include "ops/world.hpp"

namespace trestle::ops {

enum class Bug : std::uint8_t {
  none,
  overlaps,           // every eighth block starts 32 bytes too early, 16 more than lie between two
  loses_alignment,    // alignments above 16 are taken for 16
  leaves_buffer,      // the last block runs past the end
  refuses_early,      // null although there is memory
  serves_impossible,  // a size above PTRDIFF_MAX wraps around
  forgets_zeroing,
  zeroes_short,  // all but the last byte
  drops_realloc_contents,
  frees_on_failed_realloc,
  rounds_usable_size,
  refuses_free,
  refuses_sized_free,
  writes_on_free,  // into the block that lies above
  check_finds,     // heap_check sees a fault after a free
  walk_skips_one,
  walk_ends_early,
  walk_shows_rounded,  // the walk tells served for requested
  walk_shows_wrong_kind,
  walk_free_too_long,  // a free block reaches into its right neighbour
  shrinks_over_live,
  grow_does_nothing,
  grows_short,
  never_shrinks,
  moves_badly,  // attach does not know its heap again
  leaves_reservation,
  refuses_to_start,
  forgets_a_free,       // in its counts
  counts_served_bytes,  // instead of those asked for
  forgets_the_peak,
  misplaces,   // offset_of counts from 16 bytes further on
  never_left,  // the caller of a walk is inside for good
  forgets_settings,
  forgets_itself,         // among its mappings
  maps_short,             // the last page of its mapping is missing
  keeps_locks,            // after unlock_all
  explains_as_larger,     // a block's request, by a byte
  explains_next,          // an address within a block is told as the block's own
  refuses_live_bytes,     // tells an access to them as one that was refused
  closes_unknown,         // knows nothing of memory that it has closed
  claims_all,             // also of an address that it never had
  all_alone,              // each block is told to have a span of its own
  mends_what_it_refuses,  // although is_mendable said no
};

class FakeEngine {
 public:
  FakeEngine(std::byte* base, std::size_t bytes, Bug bug) : base_(base), bytes_(bytes), bug_(bug) {
    blocks_.reserve(kSlots);
  }

  Allocation allocate(std::size_t size, std::size_t alignment, Kind kind) noexcept {
    if (is(Bug::serves_impossible) && size > kLargestRequest) size = 16;
    if (size > kLargestRequest) return {};
    if (is(Bug::refuses_early) && blocks_.size() > 5) return {};
    const std::optional<std::size_t> found = find(size, is(Bug::loses_alignment) ? kMinAlignment : alignment);
    if (!found) return {};
    std::size_t offset = *found;
    if (is(Bug::overlaps) && blocks_.size() % 8 == 7 && alignment == kMinAlignment && offset >= 2 * kMinAlignment)
      offset -= 2 * kMinAlignment;
    if (is(Bug::leaves_buffer) && size > 300) offset = bytes_ - align_down(size, kMinAlignment) / 2;
    const Entry entry{offset, size, kind};
    blocks_.insert(std::upper_bound(blocks_.begin(), blocks_.end(), entry), entry);
    ++allocations_;
    peak_ = std::max(peak_, live_bytes());
    return {base_ + offset, FaultKind::none};
  }

  Allocation allocate_zeroed(std::size_t size, Kind kind) noexcept {
    const Allocation got = allocate(size, kMinAlignment, kind);
    if (got.payload == nullptr || is(Bug::forgets_zeroing) || size == 0) return got;
    std::memset(got.payload, 0, size);
    if (is(Bug::zeroes_short)) static_cast<std::byte*>(got.payload)[size - 1] = std::byte{0xDD};
    return got;
  }

  Verdict deallocate(void* payload, const Release& how) noexcept {
    if (payload == nullptr) return {};
    const auto entry = at(payload);
    if (entry == blocks_.end()) return {FaultKind::not_a_block, payload};
    if (is(Bug::refuses_free) && entry->size > 100) return {FaultKind::header_corrupt, payload};
    if (is(Bug::refuses_sized_free) && how.size != Release::kNoClaim) return {FaultKind::size_mismatch, payload};
    if (is(Bug::writes_on_free))
      base_[entry->offset + align_up(std::max(entry->size, std::size_t{1}), kMinAlignment)] = std::byte{0};
    else
      std::memset(payload, 0xDD, entry->size);
    blocks_.erase(entry);
    freed_ = true;
    if (!is(Bug::forgets_a_free) || blocks_.size() != 3) ++deallocations_;
    return {};
  }

  Allocation reallocate(void* payload, std::size_t size) noexcept {
    if (payload == nullptr) return allocate(size, kMinAlignment, Kind::by_malloc);
    const auto entry = at(payload);
    if (entry == blocks_.end()) return {payload, FaultKind::not_a_block};
    const Entry old = *entry;
    const Allocation got = allocate(size, kMinAlignment, old.kind);
    if (got.payload == nullptr && !is(Bug::frees_on_failed_realloc)) return got;
    if (got.payload != nullptr && !is(Bug::drops_realloc_contents))
      std::memcpy(got.payload, payload, std::min(size, old.size));
    std::ignore = deallocate(payload, {.kind = old.kind});
    return got;
  }

  [[nodiscard]] Sized usable_size(const void* payload) const noexcept {
    if (payload == nullptr) return {};
    const auto entry = at(payload);
    if (entry == blocks_.end()) return {0, FaultKind::not_a_block};
    return {is(Bug::rounds_usable_size) ? align_up(entry->size, kMinAlignment) : entry->size, FaultKind::none};
  }

  void check(CheckLevel, FaultSink& sink) const noexcept {
    if (is(Bug::check_finds) && freed_) sink.add({.kind = FaultKind::footer_corrupt, .address = base_});
  }

  [[nodiscard]] std::uint64_t offset_of(const void* at) const noexcept {
    const auto* const given = static_cast<const std::byte*>(at);
    if (given < base_ || given >= base_ + kLargestBuffer) return UINT64_MAX;
    return static_cast<std::uint64_t>(given - base_) + (is(Bug::misplaces) ? 16 : 0);
  }

  // What is behind its bytes is closed, up to the most that they may become.
  [[nodiscard]] Fault explain_access(const void* at) const noexcept {
    const bool closed = offset_of(at) != UINT64_MAX && at >= base_ + bytes_ && !is(Bug::closes_unknown);
    const bool wrong = is(Bug::claims_all) || (is(Bug::refuses_live_bytes) && around(at) != blocks_.end());
    return {.kind = closed || wrong ? FaultKind::wild_access : FaultKind::none, .address = at};
  }
  [[nodiscard]] Fault explain(const Verdict& verdict, const void* given) const noexcept {
    Fault fault{.kind = verdict.kind, .address = verdict.at};
    const auto entry = around(given);
    if (entry == blocks_.end()) return fault;
    fault.block = is(Bug::explains_next) ? given : base_ + entry->offset;
    fault.requested = entry->size + (is(Bug::explains_as_larger) ? 1 : 0);
    fault.served = align_up(entry->size, kMinAlignment);
    return fault;
  }
  [[nodiscard]] bool is_alone(const void* payload) const noexcept {
    return is(Bug::all_alone) && at(payload) != blocks_.end();
  }
  [[nodiscard]] bool is_mendable(const Fault&) const noexcept { return false; }
  bool mend(const Fault&) noexcept { return is(Bug::mends_what_it_refuses); }
  template <class Visit>
  void for_each_mapping(Visit visit) const noexcept {
    const auto* const itself = reinterpret_cast<const std::byte*>(this);
    if (!is(Bug::forgets_itself)) visit(itself, itself + sizeof *this);
    visit(static_cast<const std::byte*>(base_), base_ + bytes_ - (is(Bug::maps_short) ? kMinAlignment : 0));
  }
  void lock_all() noexcept { kept_ = true; }
  void unlock_all() noexcept { kept_ = is(Bug::keeps_locks); }
  [[nodiscard]] bool is_kept_by_caller() const noexcept { return kept_; }
  [[nodiscard]] bool is_entered_by_caller() const noexcept { return entered_; }

  [[nodiscard]] bool walk(BlockVisitor visitor) noexcept {
    entered_ = true;
    const bool complete = show_all(visitor);
    entered_ = is(Bug::never_left);
    return complete;
  }

  [[nodiscard]] trestle_stats stats() const noexcept {
    trestle_stats all{};
    all.allocations = allocations_;
    all.deallocations = deallocations_;
    all.live_blocks = blocks_.size();
    all.live_bytes = live_bytes();
    all.peak_live_bytes = is(Bug::forgets_the_peak) ? all.live_bytes / 2 : peak_;
    return all;
  }

  void move_to(std::byte* base) noexcept { base_ = base; }
  void resize(std::size_t bytes) noexcept { bytes_ = bytes; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t live_end() const noexcept { return blocks_.empty() ? 0 : end_of(blocks_.back()); }
  [[nodiscard]] bool is(Bug bug) const noexcept { return bug_ == bug; }

 private:
  struct Entry {
    std::size_t offset;
    std::size_t size;
    Kind kind;
    bool operator<(const Entry& other) const { return offset < other.offset; }
  };
  using Entries = std::vector<Entry>;

  // A gap of sixteen bytes follows every block, so that a block of no bytes has an address of its own.
  [[nodiscard]] static std::size_t end_of(const Entry& entry) noexcept {
    return align_up(entry.offset + entry.size + kMinAlignment, kMinAlignment);
  }
  [[nodiscard]] std::size_t live_bytes() const noexcept {
    std::size_t sum = 0;
    for (const Entry& entry : blocks_)
      sum += is(Bug::counts_served_bytes) ? align_up(entry.size, kMinAlignment) : entry.size;
    return sum;
  }
  [[nodiscard]] bool show_all(BlockVisitor visitor) const noexcept {
    if (is(Bug::walk_ends_early) && blocks_.size() > 3) return false;
    std::size_t end = 0;
    std::size_t shown = 0;
    for (const Entry& entry : blocks_) {
      if (entry.offset > end &&
          !visitor({base_ + end, 0, entry.offset - end + overreach(), BlockState::free, Kind::none}))
        return false;
      if (!is(Bug::walk_skips_one) || ++shown != 3)
        if (!visitor(view(entry))) return false;
      end = end_of(entry);
    }
    return true;
  }
  [[nodiscard]] std::size_t overreach() const noexcept { return is(Bug::walk_free_too_long) ? 1 : 0; }

  [[nodiscard]] std::optional<std::size_t> find(std::size_t size, std::size_t alignment) const noexcept {
    const auto aligned = [&](std::size_t offset) {
      const auto address = reinterpret_cast<std::uintptr_t>(base_) + offset;
      return offset + (align_up(address, alignment) - address);
    };
    const std::size_t need = align_up(size + kMinAlignment, kMinAlignment);
    std::size_t start = 0;
    for (const Entry& entry : blocks_) {
      if (aligned(start) + need <= entry.offset) return aligned(start);
      start = end_of(entry);
    }
    if (need > bytes_ || aligned(start) > bytes_ - need) return std::nullopt;
    return aligned(start);
  }

  template <class Self>
  [[nodiscard]] static auto find_entry(Self& blocks, std::size_t offset) noexcept {
    return std::find_if(blocks.begin(), blocks.end(), [=](const Entry& entry) { return entry.offset == offset; });
  }
  [[nodiscard]] Entries::const_iterator around(const void* at) const noexcept {
    const std::size_t offset = static_cast<std::size_t>(static_cast<const std::byte*>(at) - base_);
    const auto holds = [=](const Entry& entry) { return offset - entry.offset < std::max<std::size_t>(entry.size, 1); };
    return std::find_if(blocks_.begin(), blocks_.end(), holds);
  }
  [[nodiscard]] Entries::iterator at(const void* payload) noexcept {
    return find_entry(blocks_, static_cast<std::size_t>(static_cast<const std::byte*>(payload) - base_));
  }
  [[nodiscard]] Entries::const_iterator at(const void* payload) const noexcept {
    return find_entry(blocks_, static_cast<std::size_t>(static_cast<const std::byte*>(payload) - base_));
  }

  [[nodiscard]] BlockView view(const Entry& entry) const noexcept {
    const std::size_t served = align_up(entry.size, kMinAlignment);
    return {base_ + entry.offset, is(Bug::walk_shows_rounded) ? served : entry.size, served, BlockState::live,
            is(Bug::walk_shows_wrong_kind) ? Kind::by_malloc : entry.kind};
  }

  std::byte* base_;
  std::size_t bytes_;
  Bug bug_;
  Entries blocks_;
  bool freed_ = false;
  bool entered_ = false;
  bool kept_ = false;
  std::size_t allocations_ = 0;
  std::size_t deallocations_ = 0;
  std::size_t peak_ = 0;
};
static_assert(Engine<FakeEngine>);

class FakeHost {
 public:
  using EngineType = FakeEngine;
  static constexpr const Policy& kPolicy = kFast;
  static constexpr std::size_t kStart = 16 << 10;
  static constexpr std::size_t kLeastGrowth = 64;
  static constexpr Features kFeatures{.zeroed = true, .stats = true, .settings = true, .capacity = kLargestBuffer};

  explicit FakeHost(Bug bug) : bug_(bug) {}

  bool start(const Stage&, Oracle& oracle) {
    if (bug_ == Bug::refuses_to_start) {
      oracle.violate(Expectation::engine_starts, "%zu bytes refused", kStart);
      return false;
    }
    std::memset(aligned(here_), 0xDD, kLargestBuffer);
    engine_.emplace(aligned(here_), kStart, bug_);
    return true;
  }
  FakeEngine& engine() { return *engine_; }
  [[nodiscard]] bool may_refuse(const Model& model, std::size_t size, std::size_t alignment) const {
    const std::size_t need = align_up(size + kMinAlignment, kMinAlignment) + alignment;
    return size > kLargestRequest || Oracle::longest_gap(model, first(), last()) < need + kMinAlignment;
  }
  [[nodiscard]] const std::byte* first() const { return aligned(here_); }
  [[nodiscard]] const std::byte* last() const { return first() + engine_->bytes(); }
  [[nodiscard]] const std::byte* region_of(const std::byte* at) const {
    return at >= first() && at < first() + kLargestBuffer ? first() : nullptr;
  }
  [[nodiscard]] bool is_accessible(const std::byte* at, std::size_t bytes) const {
    return at >= first() && at < last() && bytes <= static_cast<std::size_t>(last() - at);
  }
  [[nodiscard]] static std::size_t accessible_bytes(const std::byte* from, const std::byte* to) {
    return static_cast<std::size_t>(to - from);
  }
  [[nodiscard]] static Tier tier_of(const std::byte*) { return Tier::block; }
  [[nodiscard]] const char* wrong() const { return nullptr; }
  [[nodiscard]] bool set(Setting, std::size_t) const { return bug_ != Bug::forgets_settings; }
  const char* stop() { return bug_ == Bug::leaves_reservation ? "a reservation was not released" : nullptr; }

  [[nodiscard]] std::size_t size() const { return engine_->bytes(); }
  [[nodiscard]] std::size_t smallest_size() const {
    if (bug_ == Bug::never_shrinks) return size();
    return bug_ == Bug::shrinks_over_live ? 0 : engine_->live_end();
  }
  [[nodiscard]] std::size_t size_step() const { return kMinAlignment; }
  [[nodiscard]] std::size_t least_growth() const { return kLeastGrowth; }
  bool grow(std::size_t bytes) {
    if (bug_ == Bug::grow_does_nothing || bytes < size() + kLeastGrowth) return false;
    engine_->resize(bug_ == Bug::grows_short ? size() + kLeastGrowth : align_down(bytes, kMinAlignment));
    return true;
  }
  bool shrink(std::size_t bytes) {
    if (bytes < smallest_size()) return false;
    engine_->resize(bytes);
    return true;
  }
  std::optional<std::ptrdiff_t> relocate(std::size_t) {
    if (bug_ == Bug::moves_badly) return std::nullopt;
    std::memcpy(aligned(there_), aligned(here_), size());
    std::memset(aligned(here_), 0xEE, size());
    const std::ptrdiff_t distance = aligned(there_) - aligned(here_);
    std::swap(here_, there_);
    engine_->move_to(aligned(here_));
    return distance;
  }

 private:
  using Storage = std::unique_ptr<std::byte[]>;
  static constexpr std::size_t kStorage = kLargestBuffer + 4096 + 64;

  [[nodiscard]] static std::byte* aligned(const Storage& storage) {
    return reinterpret_cast<std::byte*>(
        align_up(reinterpret_cast<std::uintptr_t>(storage.get()), std::uintptr_t{4096}));
  }

  Bug bug_;
  Storage here_{new std::byte[kStorage]};
  Storage there_{new std::byte[kStorage]};
  std::optional<FakeEngine> engine_;
};
static_assert(ResizableHost<FakeHost> && MappedHost<FakeHost> && ExplainingHost<FakeHost>);

}  // namespace trestle::ops
