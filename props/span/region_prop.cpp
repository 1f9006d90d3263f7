// A region against a map that says of every granule whose it is: spans tile it, free ones are never neighbours, every
// granule of a span in use leads to it and to its record, what holds pages is known, and in whatever order all are given
// back, one run is left. Compiled without access control, to overwrite the tables.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "faults.hpp"
#include "ops/test_os.hpp"
#include "property.hpp"
#include "span/region.hpp"

namespace trestle {
namespace {

using ops::TestArena;
using ops::TestOs;

constexpr Granules kWhole{64};

enum class Do { acquire, release, retire, take_back, extend, truncate, purge };

// `pick`: which of the spans held; `granules`: of the new span, or to extend by, or to truncate to; `as`: of the new span.
struct Step {
  Do what;
  std::size_t pick;
  std::uint32_t granules;
  bool dirty;
  SpanState as = SpanState::large;
};
void showValue(const Step& step, std::ostream& out) {
  static constexpr const char* kNames[] = {"acquire", "release", "retire", "take_back", "extend", "truncate", "purge"};
  out << kNames[static_cast<int>(step.what)] << "{span " << step.pick << ", " << step.granules << " granules"
      << (step.dirty ? ", dirty" : "") << (step.as == SpanState::slots ? ", slots" : "")
      << (step.as == SpanState::addresses ? ", addresses}" : "}");
}

rc::Gen<std::vector<Step>> steps() {
  const auto what = rc::gen::weightedElement<Do>({{6, Do::acquire},
                                                  {4, Do::release},
                                                  {1, Do::retire},
                                                  {1, Do::take_back},
                                                  {2, Do::extend},
                                                  {1, Do::truncate},
                                                  {1, Do::purge}});
  const auto as =
      rc::gen::weightedElement<SpanState>({{4, SpanState::large}, {2, SpanState::slots}, {1, SpanState::addresses}});
  const auto make = [](Do each, std::size_t pick, std::uint32_t granules, bool dirty, SpanState state) {
    return Step{each, pick, granules, dirty, state};
  };
  return rc::gen::container<std::vector<Step>>(rc::gen::apply(
      make, what, rc::gen::inRange<std::size_t>(0, 64), rc::gen::inRange(1U, 10U), rc::gen::arbitrary<bool>(), as));
}

class Granulated {
 public:
  Granulated() { RC_ASSERT(region_.reserve(os_, key_from(5), kWhole.bytes(), kWhole.bytes())); }
  ~Granulated() { region_.release(os_); }
  Granulated(const Granulated&) = delete;
  Granulated& operator=(const Granulated&) = delete;

  void perform(const Step& step) {
    if (step.what == Do::acquire) return acquire({step.granules}, step.as);
    if (step.what == Do::purge) return purge();
    if (held_.empty()) return;
    Held& one = held_[step.pick % held_.size()];
    if (step.what == Do::take_back || step.what == Do::release) return release(step.pick % held_.size(), step.dirty);
    if (one.span->state != SpanState::large) return;  // retired, or cut into slots: it stays as it is
    if (step.what == Do::retire) region_.push_retired(*one.span, ++now_);
    if (step.what == Do::extend) extend(one, one.length + Granules{step.granules});
    if (step.what == Do::truncate) truncate(one, {step.granules});
  }
  void release_all(const std::vector<std::size_t>& order) {
    for (std::size_t i = 0; !held_.empty(); ++i) {
      release(order[i % order.size()] % held_.size(), i % 3 == 0);
      hold();
    }
  }

  // Everything that can be seen from outside, granule by granule.
  void hold() const {
    for (const Fault& fault : faults()) RC_FAIL(std::string("check finds ") + traits_of(fault.kind).name);
    std::array<const SpanDescriptor*, kWhole.count> owners{};
    std::array<const void*, kWhole.count> records{};
    for (const Held& one : held_) {
      std::fill_n(owners.begin() + one.first.count, one.length.count, one.span);
      std::fill_n(records.begin() + one.first.count, one.length.count, one.record);
    }
    for (std::uint32_t i = 0; i < kWhole.count; ++i) {
      const std::byte* const inside = region_.base() + Granules{i}.bytes() + 77;
      RC_ASSERT((region_.record_of(inside) == records[i]));  // I18
      const SpanDescriptor* const found = region_.find(inside);
      if (owners[i] != nullptr && owners[i]->is_in_use()) RC_ASSERT((found == owners[i]));
      if (owners[i] == nullptr) RC_ASSERT((found == nullptr || found->state == SpanState::free));
    }
    hold_tiling(owners);
  }
  // The free runs of the map are the free spans, each as long as the map has it: so no two are neighbours.
  [[nodiscard]] std::size_t spans() const {
    std::size_t count = 0;
    for (const SpanDescriptor* span = region_.next(nullptr); span != nullptr; span = region_.next(span)) ++count;
    return count;
  }
  [[nodiscard]] std::vector<Fault> faults() const {
    std::array<Fault, 8> room{};
    FaultSink sink(room.data(), room.size());
    region_.check(sink);
    return {room.begin(), room.begin() + static_cast<std::ptrdiff_t>(std::min(room.size(), sink.count()))};
  }
  [[nodiscard]] Region<TestOs>& region() { return region_; }
  [[nodiscard]] const char* breach() const { return arena_->breach(); }

 private:
  struct Held {
    SpanDescriptor* span;
    Granules first;
    Granules length;
    const void* record;
  };

  void acquire(Granules length, SpanState state) {
    bool zeroed = false;
    SpanDescriptor* const span = region_.acquire(os_, length, state, zeroed);
    if (span == nullptr) return hold_no_room(length);
    RC_ASSERT(span->length == length);
    for (std::uint32_t i = 0; zeroed && i < length.count; ++i) RC_ASSERT(!holds_pages_[span->first.count + i]);
    void* const record = state == SpanState::slots ? &places_[++now_ % places_.size()] : nullptr;
    if (record != nullptr) region_.set_record(*span, record);
    held_.push_back({span, span->first, length, record});
  }
  // Null is an answer only where no free run and no end of the region has room, but for a bin's rounding.
  void hold_no_room(Granules length) const {
    std::uint32_t run = 0;
    std::uint32_t longest = 0;
    std::array<bool, kWhole.count> taken{};
    for (const Held& one : held_)
      for (std::uint32_t i = 0; i < one.length.count; ++i) taken[one.first.count + i] = true;
    for (const bool each : taken) longest = std::max(longest, run = each ? 0 : run + 1);
    RC_ASSERT((longest < length.count || (length.count >= 8 && longest <= length.count + length.count / 8)));
  }
  void release(std::size_t index, bool dirty) {
    const Held one = held_[index];
    if (one.span->state == SpanState::retired) region_.take_retired(*one.span);
    if (one.record != nullptr) region_.set_record(*one.span, nullptr);
    region_.release_span(*one.span, dirty, ++now_);
    note_pages(one.first, one.first + one.length, dirty);
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
  }
  void extend(Held& one, Granules length) {
    if (region_.extend(os_, *one.span, length)) one.length = length;
    RC_ASSERT(one.span->length == one.length);
  }
  void truncate(Held& one, Granules length) {
    region_.truncate(*one.span, length, ++now_);
    note_pages(one.first + length, one.first + one.length, true);
    one.length = std::min(one.length, length);
    RC_ASSERT(one.span->length == one.length);
  }
  void purge() {
    SpanDescriptor* const oldest = region_.oldest_dirty();
    if (oldest == nullptr) return;
    RC_ASSERT(region_.purge(os_, *oldest, ++now_));
    note_pages(oldest->first, oldest->first + oldest->length, false);
  }
  void note_pages(Granules from, Granules to, bool held) {
    for (std::uint32_t i = from.count; i < to.count; ++i) holds_pages_[i] = held;
  }
  void hold_tiling(const std::array<const SpanDescriptor*, kWhole.count>& owners) const {
    bool previous_free = false;
    Granules at{};
    for (const SpanDescriptor* span = region_.next(nullptr); span != nullptr; span = region_.next(span)) {
      const bool free = span->state == SpanState::free;
      RC_ASSERT(span->first == at);
      RC_ASSERT(!(free && previous_free));
      for (std::uint32_t i = 0; i < span->length.count; ++i)
        RC_ASSERT((owners[at.count + i] == (free ? nullptr : span)));
      const GranuleRange dirty = free ? span->dirty_range() : span->range();
      for (std::uint32_t i = at.count; i < span->range().end.count; ++i)
        RC_ASSERT((!holds_pages_[i] || (dirty.first.count <= i && i < dirty.end.count)));
      previous_free = free;
      at = at + span->length;
    }
    for (; at < kWhole; at = at + Granules{1}) RC_ASSERT((owners[at.count] == nullptr));
    RC_ASSERT(region_.is_tiled());
  }

  // A mapping of its own for each case would cost more than the case.
  static TestArena* shared_arena() {
    static TestArena arena;
    arena.reset();
    return &arena;
  }

  TestArena* arena_ = shared_arena();
  TestOs os_{*arena_};
  Region<TestOs> region_;
  std::vector<Held> held_;
  std::array<bool, kWhole.count> holds_pages_{};  // of free granules
  std::array<std::byte, 1000> places_{};          // what records are addresses of
  std::uint64_t now_ = 0;
};

TEST(RegionProperty, SpansTileFreeOnesCoalesceAndEveryGranuleLeadsToItsSpan) {
  EXPECT_TRUE(holds(
      "a region agrees with a map of its granules after every call",
      [] {
        const std::vector<Step> all = *steps();
        Granulated region;
        for (const Step& step : all) {
          region.perform(step);
          region.hold();
        }
        if (const char* const breach = region.breach()) RC_FAIL(std::string(breach));
      },
      5));
}

TEST(RegionProperty, AnyOrderOfFreesEndsInOneRun) {
  EXPECT_TRUE(holds(
      "spans given back in any order are one free run",
      [] {
        const auto lengths =
            *rc::gen::nonEmpty(rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange(1U, 8U)));
        const auto order =
            *rc::gen::container<std::vector<std::size_t>>(lengths.size(), rc::gen::inRange<std::size_t>(0, 1000));
        Granulated region;
        for (const std::uint32_t length : lengths) region.perform({Do::acquire, 0, length, false});
        region.release_all(order);
        RC_ASSERT(region.spans() == 1U);
        RC_ASSERT(region.region().counts().used_bytes == 0U);
      },
      5));
}

// Which bits mean something: the seal and what it seals always, the links where the span is in a list.
bool counts(const SpanDescriptor& span, std::size_t byte) {
  if (byte < offsetof(SpanDescriptor, bin)) return true;
  if (byte < offsetof(SpanDescriptor, age)) return span.state == SpanState::free;
  return span.state == SpanState::retired || (span.state == SpanState::free && span.dirty);
}

// I10, and of the links I12.
TEST(RegionProperty, EachFlippedBitOfAnyDescriptorIsReported) {
  EXPECT_TRUE(holds("a flipped bit of a span's descriptor is reported, and the span is not found by it", [] {
    const std::vector<Step> all = *rc::gen::suchThat(steps(), [](const auto& some) { return !some.empty(); });
    Granulated held;
    for (const Step& step : all) held.perform(step);
    Region<TestOs>& region = held.region();
    for (SpanDescriptor* span = region.next(nullptr); span != nullptr; span = region.next(span)) {
      for (unsigned bit = 0; bit < sizeof *span * 8; ++bit) {
        if (!counts(*span, bit / 8)) continue;
        flip_bit(span, bit);
        RC_ASSERT(!held.faults().empty());
        if (bit / 8 < offsetof(SpanDescriptor, bin)) RC_ASSERT((region.find(region.start_of(*span)) != span));
        flip_bit(span, bit);
      }
    }
    RC_ASSERT(held.faults().empty());
  }));
}

// The fault is the one at that entry, and there is no other.
void expect_each_bit_reported(const Granulated& held, void* entry, std::size_t bytes) {
  for (unsigned bit = 0; bit < bytes * 8; ++bit) {
    flip_bit(entry, bit);
    const std::vector<Fault> faults = held.faults();
    flip_bit(entry, bit);
    RC_ASSERT(faults.size() == 1U);
    RC_ASSERT(has(faults, FaultKind::span_tiling, entry));
  }
}

// Of a span that is not in use the heads inside mean nothing, and its granules name no record.
TEST(RegionProperty, EachFlippedBitOfTheTablesIsReported) {
  EXPECT_TRUE(
      holds("a flipped bit of what a granule says of its span (I13) or record (I18) is reported where it is", [] {
        const std::vector<Step> all = *rc::gen::suchThat(steps(), [](const auto& some) { return !some.empty(); });
        const auto pick = *rc::gen::inRange<std::size_t>(0, 64);
        Granulated held;
        for (const Step& step : all) held.perform(step);
        Region<TestOs>& region = held.region();
        const std::size_t spans = held.spans();
        RC_PRE(spans != 0U);
        const SpanDescriptor* span = region.next(nullptr);
        for (std::size_t i = 0; i < pick % spans; ++i) span = region.next(span);
        for (std::uint32_t i = span->first.count; i < span->range().end.count; ++i) {
          const bool is_end = i == span->first.count || i + 1 == span->range().end.count;
          if (span->is_in_use() || is_end) expect_each_bit_reported(held, &region.heads_[i], sizeof region.heads_[i]);
          expect_each_bit_reported(held, &region.records_[i], sizeof region.records_[i]);
        }
        RC_ASSERT(held.faults().empty());
      }));
}

}  // namespace
}  // namespace trestle
