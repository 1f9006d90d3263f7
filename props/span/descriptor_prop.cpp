// Counts of granules against 128 bits, and the seal of a descriptor with any contents.
#include <gtest/gtest.h>

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

SpanDescriptor any_descriptor() {
  SpanDescriptor span;
  span.first = Granules::covering(*sizes_at_limits() % kMaxSpanBytes);
  span.length = Granules::covering(*sizes_at_limits() % kMaxSpanBytes);
  span.state = static_cast<SpanState>(*rc::gen::inRange(0, 5));
  span.kind = static_cast<Kind>(*rc::gen::inRange(0, 4));
  span.dirty = *any<bool>();
  span.accessible = *any<bool>();
  span.payload = *sizes_at_limits();
  span.requested = *sizes_at_limits();
  span.changed_ms = *any<std::uint64_t>();
  return span;
}

// The last sixteen bytes are the links, which are not sealed: both ends of each are compared instead.
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
