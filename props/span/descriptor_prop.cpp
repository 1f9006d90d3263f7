// Counts of granules against 128 bits, ranges of them against naive sets, and the seal of a descriptor with any contents.
#include <gtest/gtest.h>

#include <set>

#include "faults.hpp"
#include "property.hpp"
#include "span/descriptor.hpp"

namespace trestle {
namespace {

__extension__ using Wide = unsigned __int128;

TEST(GranulesProperty, CoverTheirBytesAndNoGranuleMore) {
  EXPECT_TRUE(holds(
      "covering(bytes) is bytes / 64 KiB, rounded up, as 128 bits have it",
      [] {
        const std::size_t bytes = *sizes_at_limits() % (kMaxSpanBytes + 1);
        const Granules length = Granules::covering(bytes);
        RC_ASSERT(Wide{length.count} == (Wide{bytes} + kGranule - 1) / kGranule);
        RC_ASSERT(Wide{length.bytes()} == Wide{length.count} * kGranule);
      },
      50));
}

TEST(GranulesProperty, AddAndSubtractAsTheirBytesDo) {
  EXPECT_TRUE(holds(
      "sums and differences of granules are those of their bytes",
      [] {
        const Granules a = Granules::covering(*sizes_at_limits() % (kMaxSpanBytes + 1));
        const Granules b = Granules::covering(*sizes_at_limits() % (kMaxSpanBytes + 1));
        RC_ASSERT((a + b).bytes() == a.bytes() + b.bytes());
        if (b <= a) RC_ASSERT((a - b).bytes() == a.bytes() - b.bytes());
        RC_ASSERT((a < b) == (a.bytes() < b.bytes()));
      },
      50));
}

using NaiveSet = std::set<std::uint32_t>;

NaiveSet naive(const GranuleRange& range) {
  NaiveSet all;
  for (std::uint32_t i = range.first.count; i < range.end.count; ++i) all.insert(i);
  return all;
}
// All that lies between the least and the most of it too.
NaiveSet without_gaps(const NaiveSet& some) {
  return some.empty() ? some : naive({{*some.begin()}, {*some.rbegin() + 1}});
}
// Of few granules, so that two often meet; also of none, by ends that are one or the wrong way round.
GranuleRange any_range(std::uint32_t from = 0) {
  constexpr std::uint32_t kFew = 24;
  return {{from + *rc::gen::inRange(0U, kFew)}, {from + *rc::gen::inRange(0U, kFew)}};
}

TEST(GranuleRangeProperty, AgreesWithSetsOfGranules) {
  EXPECT_TRUE(holds(
      "a range's length and emptiness, what of it lies within another, and the hull of both, are those of sets",
      [] {
        const GranuleRange a = any_range();
        const GranuleRange b = any_range();
        const NaiveSet in_a = naive(a);
        const NaiveSet in_b = naive(b);
        RC_ASSERT(a.length().count == in_a.size());
        RC_ASSERT(a.is_empty() == in_a.empty());
        NaiveSet both = in_a;
        std::erase_if(both, [&](std::uint32_t each) { return in_b.count(each) == 0; });
        NaiveSet either = in_a;
        either.insert(in_b.begin(), in_b.end());
        RC_ASSERT(naive(a.within(b)) == both);
        RC_ASSERT(a.within(b).length().count == both.size());
        RC_ASSERT(naive(a.hull(b)) == without_gaps(either));
        RC_ASSERT(a.hull(b).is_empty() == either.empty());
      },
      20));
}

// Wherever the span lies; a part of no granules may be anywhere, also before the span.
TEST(GranuleRangeProperty, APartThatMayHoldPagesIsKeptByItsDescriptor) {
  EXPECT_TRUE(holds(
      "dirty_range is the part that set_dirty_range was given, and the span is dirty iff that has any granule",
      [] {
        SpanDescriptor span;
        span.first = Granules::covering(*sizes_at_limits() % kMaxSpanBytes);
        span.length = {*rc::gen::inRange(1U, 24U)};
        for (int i = 0; i < 2; ++i) {  // the second in the place of what was there
          const GranuleRange part = any_range(span.first.count).within(span.range());
          span.set_dirty_range(part);
          RC_ASSERT(naive(span.dirty_range()) == naive(part));
          RC_ASSERT(span.dirty == !naive(part).empty());
        }
        span.set_dirty_range({});
        RC_ASSERT(naive(span.dirty_range()).empty());
        RC_ASSERT(!span.dirty);
      },
      20));
}

SpanDescriptor any_descriptor() {
  SpanDescriptor span;
  span.first = Granules::covering(*sizes_at_limits() % kMaxSpanBytes);
  span.length = Granules::covering(*sizes_at_limits() % kMaxSpanBytes);
  span.state = static_cast<SpanState>(*rc::gen::inRange(0, static_cast<int>(SpanState::retired) + 1));
  span.kind = static_cast<Kind>(*rc::gen::inRange(0, static_cast<int>(Kind::by_new_array) + 1));
  span.dirty = *any<bool>();
  span.accessible = *any<bool>();
  span.fence = *any<std::uint32_t>() & SpanDescriptor::kMostPages;
  span.is_below_guarded = *any<bool>() ? 1 : 0;
  span.payload = *sizes_at_limits();
  span.requested = *sizes_at_limits();
  span.changed_ms = *any<std::uint64_t>();
  return span;
}

// I10. The last sixteen bytes are the links, which are not sealed: both ends of each are compared instead.
TEST(DescriptorProperty, EachSealedBitCountsAndTheLinksDoNot) {
  EXPECT_TRUE(holds(
      "a sealed descriptor is sound, and not with any one bit flipped outside of its links",
      [] {
        const Key key = key_from(*any<std::uint64_t>());
        SpanDescriptor span = any_descriptor();
        span.seal(key);
        RC_ASSERT(span.is_sound(key));
        for (unsigned bit = 0; bit < sizeof span * 8; ++bit) {
          flip_bit(&span, bit);
          RC_ASSERT(span.is_sound(key) == (bit >= (sizeof span - 2 * sizeof(SpanLink)) * 8));
          flip_bit(&span, bit);
        }
        const SpanDescriptor copied = span;
        RC_ASSERT(!copied.is_sound(key));
      },
      10));
}

}  // namespace
}  // namespace trestle
