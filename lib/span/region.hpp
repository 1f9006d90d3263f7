// A reserved address range, cut into granules and tiled by spans up to its frontier, with its table out of band.
//
//   | span | span | ...... | frontier ... (reserved, never used) |       frontier <= committed <= capacity
//   table: | guard | heads: granule -> first granule of its span | records: granule -> its record | descriptors | guard |
//
// Free spans coalesce with both neighbours at once and lie in bins of a two-level segregated fit; dirty ones also in a list
// by age. The heads of all granules of a span in use, and of the first and last of any other, name its first granule: one
// compare tells a wild pointer, one load gives the span. What lies in a span may have a record of its own, which each granule
// names as well, so that the hottest question needs no descriptor. All operations are O(1) but for the heads of the span's
// granules. I10..I14, I18 and I23 hold between any two calls. Not thread-safe, but that find and record_of may run beside the
// others on a span in use.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/fault.hpp"
#include "base/fit_map.hpp"
#include "base/marks.hpp"
#include "base/sync.hpp"
#include "os/os.hpp"
#include "span/descriptor.hpp"

namespace trestle {

// Memory is made accessible this much ahead, so that system calls stay rare.
inline constexpr std::size_t kCommitBytes = std::size_t{1} << 20;

// What a walk over the spans counts.
struct SpanTally {
  std::uint64_t used_bytes = 0;
  std::uint64_t free_bytes = 0;
  std::uint64_t dirty_bytes = 0;
  std::uint64_t retired_bytes = 0;
  std::uint64_t retired_spans = 0;

  friend bool operator==(const SpanTally&, const SpanTally&) = default;
};

template <Os O>
class Region {
 public:
  static constexpr std::uint32_t kMostStep = 1024;  // granules made accessible at once: 64 MiB
  static constexpr unsigned kMaxLog = log2_floor(kMaxSpanBytes / kGranule);
  using Bins = FitMap<kMaxLog, 3>;

  constexpr Region() noexcept = default;

  // Reserves up to `bytes` (a power of two of granules), halving until it fits, not below `least`. False iff that fails.
  [[nodiscard]] bool reserve(O& os, const Key& key, std::size_t bytes, std::size_t least) noexcept;
  void release(O& os) noexcept;
  // Memory is made accessible in steps of at least so many granules, held between 1 and kMostStep. Until told otherwise:
  // kCommitBytes.
  void set_least_step(Granules step) noexcept { least_step_ = {std::clamp(step.count, 1U, kMostStep)}; }

  [[nodiscard]] bool holds(const void* at) const noexcept {
    return address_of(at) - address_of(base_) < capacity_.bytes();
  }
  // The span that holds an address below the frontier, its descriptor vetted; null where there is none or it is unsound.
  [[nodiscard]] SpanDescriptor* find(const void* at) const noexcept;
  [[nodiscard]] bool is_half_unused() const noexcept { return frontier().count <= capacity_.count / 2; }
  [[nodiscard]] std::byte* start_of(const SpanDescriptor& span) const noexcept { return base_ + span.first.bytes(); }
  [[nodiscard]] std::byte* end_of(const SpanDescriptor& span) const noexcept {
    return start_of(span) + span.length.bytes();
  }

  // A span of `length` in the given state, not linked anywhere. Null iff no room or no memory. `zeroed`: it reads as zero.
  [[nodiscard]] SpanDescriptor* acquire(O& os, Granules length, SpanState state, bool& zeroed) noexcept;
  // Any state -> free. What is dirty keeps its pages until it is purged; of a span that coalesced with others that is the part
  // from the first to the last that was.
  void release_span(SpanDescriptor& span, bool dirty, std::uint64_t now_ms) noexcept;
  // In place to the right, if what lies there is free. False iff not. The bytes gained are not known to be zero.
  [[nodiscard]] bool extend(O& os, SpanDescriptor& span, Granules length) noexcept;
  // Gives the granules beyond `length` back, as dirty.
  void truncate(SpanDescriptor& span, Granules length, std::uint64_t now_ms) noexcept;
  void set_state(SpanDescriptor& span, SpanState state) noexcept;
  void seal(SpanDescriptor& span) noexcept { span.seal(key_); }

  // What set_record gave the span that holds the address; null where there is no such span or it has none. Not vetted.
  [[nodiscard]] void* record_of(const void* at) const noexcept {
    const std::size_t granule = (address_of(at) - address_of(base_)) / kGranule;
    if (granule >= frontier().count) [[unlikely]]
      return nullptr;
    return records_[granule];
  }
  void set_record(SpanDescriptor& span, void* record) noexcept;

  // Null also where the list is overwritten so that a span stayed in it that is no longer dirty.
  [[nodiscard]] SpanDescriptor* oldest_dirty() const noexcept {
    SpanDescriptor* const span = if_sound(at_index(dirty_.oldest), SpanState::free);
    return span != nullptr && span->dirty ? span : nullptr;
  }
  // Gives a dirty span's pages back, and asks the system for no more than the part that may hold any. False iff the system
  // refused: the span then counts as young again.
  bool purge(O& os, SpanDescriptor& span, std::uint64_t now_ms) noexcept;

  [[nodiscard]] SpanDescriptor* oldest_retired() const noexcept {
    return if_sound(at_index(retired_.oldest), SpanState::retired);
  }
  // The next older one, and the youngest of all; null where there is none or the list is overwritten.
  [[nodiscard]] SpanDescriptor* older_retired(const SpanDescriptor& span) const noexcept {
    return if_sound(at_index(span.age.previous), SpanState::retired);
  }
  [[nodiscard]] SpanDescriptor* youngest_retired() const noexcept {
    return if_sound(at_index(retired_.youngest), SpanState::retired);
  }
  void push_retired(SpanDescriptor& span, std::uint64_t now_ms) noexcept;
  void take_retired(SpanDescriptor& span) noexcept;

  [[nodiscard]] const SpanTally& counts() const noexcept { return counts_; }
  [[nodiscard]] std::byte* base() const noexcept { return base_; }
  [[nodiscard]] std::size_t reserved_bytes() const noexcept { return capacity_.bytes(); }
  // Calls visit(from, to) for its table's memory and its own.
  template <class Visit>
  void for_each_mapping(Visit visit) const noexcept {
    visit(table_, table_ + table_bytes_);
    visit(base_, base_ + capacity_.bytes());
  }
  [[nodiscard]] std::size_t committed_bytes() const noexcept { return committed_.bytes(); }

  // The span after `span` (null: the first one); null at the frontier or where the tiling is broken.
  [[nodiscard]] SpanDescriptor* next(const SpanDescriptor* span) const noexcept;
  // Whether `next` leads from the first span to the frontier.
  [[nodiscard]] bool is_tiled() const noexcept {
    Granules end{};
    for (const SpanDescriptor* span = next(nullptr); span != nullptr; span = next(span))
      end = span->first + span->length;
    return end == frontier();
  }
  void check(FaultSink& sink) const noexcept;

 private:
  struct AgeList {
    std::uint32_t oldest = 0;
    std::uint32_t youngest = 0;
  };

  // Since when a free span has been so, and behind whom it stands in the list by age: what is left of it keeps both.
  struct Age {
    std::uint64_t since_ms;
    std::uint32_t older;
  };
  [[nodiscard]] Age young(std::uint64_t now_ms) const noexcept { return {now_ms, dirty_.youngest}; }

  [[nodiscard]] Granules frontier() const noexcept { return frontier_; }
  [[nodiscard]] SpanDescriptor* at_index(std::uint32_t index) const noexcept {
    return index < frontier().count ? &descriptors_[index] : nullptr;
  }
  [[nodiscard]] bool reserve_exactly(O& os, std::size_t bytes) noexcept;
  [[nodiscard]] bool advance_frontier(O& os, Granules length) noexcept;
  [[nodiscard]] bool commit_to(O& os, Granules wanted) noexcept;
  [[nodiscard]] SpanDescriptor* find_free(Granules length) const noexcept;
  [[nodiscard]] SpanDescriptor* free_end() const noexcept;
  // The span that the granule's head names, if it is free, its descriptor sound and the granule its own; null otherwise.
  [[nodiscard]] SpanDescriptor* free_at(Granules granule) const noexcept {
    SpanDescriptor* const span = if_sound(at_index(heads_[granule.count]), SpanState::free);
    return span != nullptr && granule - span->first < span->length ? span : nullptr;
  }
  // The descriptor, if it is sound and in that state; null otherwise. A seal holds only at its own place.
  [[nodiscard]] SpanDescriptor* if_sound(SpanDescriptor* span, SpanState state) const noexcept {
    return span != nullptr && span->state == state && span->is_sound(key_) ? span : nullptr;
  }
  void map_ends(const SpanDescriptor& span) noexcept;
  void map_all(const SpanDescriptor& span) noexcept;
  void count(const SpanDescriptor& span, bool add) noexcept;
  SpanDescriptor& write(Granules first, Granules length, SpanState state) noexcept;
  SpanDescriptor& write_free(const GranuleRange& span, const GranuleRange& dirty) noexcept;
  // A record that a coalesced span no longer needs. Heads inside the run may still name it, so it holds no granule.
  void bury(SpanDescriptor& span) noexcept {
    span.state = SpanState::none;
    span.length = {};
    span.seal(key_);
  }
  void insert_free(SpanDescriptor& span, const Age& age) noexcept;
  Age remove_free(SpanDescriptor& span) noexcept;
  void push_behind(AgeList& list, std::uint32_t older, SpanDescriptor& span) noexcept;
  std::uint32_t drop(AgeList& list, SpanDescriptor& span) noexcept;

  void check_span(const SpanDescriptor& span, bool previous_free, FaultSink& sink) const noexcept;
  void check_lists(FaultSink& sink, std::uint64_t free_spans, std::uint64_t dirty_spans,
                   std::uint64_t retired_spans) const noexcept;
  [[nodiscard]] std::uint64_t length_of(const AgeList& list, SpanState state, std::uint64_t limit) const noexcept;

  Key key_;
  std::byte* base_ = nullptr;
  std::uint32_t* heads_ = nullptr;
  Shared<void*>* records_ = nullptr;
  SpanDescriptor* descriptors_ = nullptr;
  std::byte* table_ = nullptr;
  std::size_t table_bytes_ = 0;
  Granules capacity_{};
  Shared<Granules> frontier_;  // read by find beside the others
  Granules committed_{};
  Granules least_step_ = Granules::covering(kCommitBytes);
  AgeList dirty_;
  AgeList retired_;
  SpanTally counts_;
  Bins bins_;
  std::array<std::uint32_t, Bins::kBins>
      bin_heads_{};  // all lists are emptied by reserve, so that a heap at rest is zeros
};

}  // namespace trestle

#include "span/region_check.hpp"
#include "span/region_spans.hpp"
