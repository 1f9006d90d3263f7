// Wrong descriptors whose seal is right, as a bug of the region's own would leave them: each breach has its own fault.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "faults.hpp"
#include "ops/test_os.hpp"
#include "span/region.hpp"

namespace trestle {
namespace {

using ops::TestArena;
using ops::TestOs;

class RegionForgedTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(region_.reserve(os_, key_from(1), Granules{256}.bytes(), Granules{256}.bytes()));
    for (SpanDescriptor*& span : spans_) {
      bool zeroed = false;
      span = region_.acquire(os_, {2}, SpanState::large, zeroed);
      ASSERT_NE(span, nullptr);
    }
    ASSERT_TRUE(faults().empty());
  }
  void TearDown() override { region_.release(os_); }

  [[nodiscard]] std::vector<Fault> faults() const {
    std::array<Fault, 16> room{};
    FaultSink sink(room.data(), room.size());
    region_.check(sink);
    return {room.begin(), room.begin() + static_cast<std::ptrdiff_t>(std::min(room.size(), sink.count()))};
  }

  TestArena arena_;
  TestOs os_{arena_};
  Region<TestOs> region_;
  std::array<SpanDescriptor*, 6> spans_{};
};

TEST_F(RegionForgedTest, AGapAnOverlapOrALengthBeyondTheFrontierIsI13) {
  for (const std::uint32_t length : {0U, 1U, 3U, 13U, 4'000'000'000U}) {
    spans_[2]->length = {length};
    region_.seal(*spans_[2]);
    EXPECT_TRUE(has(faults(), FaultKind::span_tiling) || has(faults(), FaultKind::descriptor_corrupt)) << length;
  }
}

// A table that leads from a used neighbour's end to a free span elsewhere: what lies between them is not taken along.
TEST_F(RegionForgedTest, AHeadThatNamesADistantFreeSpanJoinsNothing) {
  auto* const heads = reinterpret_cast<std::uint32_t*>(const_cast<std::byte*>(arena_.first()) + kOsPage);
  const struct {
    std::size_t released, distant, between;
    bool last;
  } cases[] = {{2, 0, 1, true}, {3, 5, 4, false}};
  for (const auto& [released, distant, between, last] : cases) {
    region_.release_span(*spans_[distant], true, 0);
    std::uint32_t& head = heads[spans_[between]->first.count + (last ? 1 : 0)];
    ASSERT_EQ(head, spans_[between]->first.count);
    head = spans_[distant]->first.count;
    const std::uint64_t free_bytes = region_.counts().free_bytes;
    region_.release_span(*spans_[released], true, 0);
    EXPECT_EQ(region_.counts().free_bytes, free_bytes + Granules{2}.bytes()) << released;
    EXPECT_TRUE(has(faults(), FaultKind::span_tiling, &head)) << released;
    EXPECT_FALSE(has(faults(), FaultKind::accounting_mismatch)) << released;
  }
}

// Giving back the oldest again and again ends, whatever its links say.
TEST_F(RegionForgedTest, ASpanThatStaysInTheListByAgeIsNotDirtyTwice) {
  region_.release_span(*spans_[0], true, 1);
  region_.release_span(*spans_[2], true, 2);
  SpanDescriptor* const oldest = region_.oldest_dirty();
  ASSERT_EQ(oldest, spans_[0]);
  oldest->age.next ^= 1U << 20;
  EXPECT_TRUE(region_.purge(os_, *oldest, 3));
  EXPECT_NE(region_.oldest_dirty(), oldest);
  EXPECT_TRUE(has(faults(), FaultKind::span_bin_mismatch));
}

TEST_F(RegionForgedTest, ASpanOfAnotherFirstGranuleIsI13) {
  spans_[2]->first = {3};
  region_.seal(*spans_[2]);
  EXPECT_TRUE(has(faults(), FaultKind::span_tiling, spans_[2]));
  EXPECT_EQ(region_.find(region_.base() + Granules{4}.bytes()), nullptr);
}

TEST_F(RegionForgedTest, AStateThatNoSpanHasIsI13) {
  spans_[2]->state = SpanState::none;
  region_.seal(*spans_[2]);
  EXPECT_TRUE(has(faults(), FaultKind::span_tiling, spans_[2]));
}

TEST_F(RegionForgedTest, TwoFreeNeighboursAreI11AndOutOfTheirListI12) {
  region_.release_span(*spans_[1], false, 0);
  spans_[2]->state = SpanState::free;
  region_.seal(*spans_[2]);
  EXPECT_TRUE(has(faults(), FaultKind::uncoalesced_spans, region_.start_of(*spans_[2])));
  EXPECT_TRUE(has(faults(), FaultKind::span_bin_mismatch));
}

TEST_F(RegionForgedTest, AFreeSpanInNoListOrAUsedOneInOneIsI12) {
  region_.release_span(*spans_[1], false, 0);
  spans_[3]->state = SpanState::free;
  region_.seal(*spans_[3]);
  EXPECT_TRUE(has(faults(), FaultKind::span_bin_mismatch));
  spans_[3]->state = SpanState::large;
  region_.seal(*spans_[3]);
  EXPECT_TRUE(faults().empty());
  spans_[1]->state = SpanState::large;
  region_.seal(*spans_[1]);
  EXPECT_TRUE(has(faults(), FaultKind::span_bin_mismatch));
}

TEST_F(RegionForgedTest, ADirtyMarkThatNoListByAgeKnowsIsI12) {
  region_.release_span(*spans_[1], false, 0);
  spans_[1]->dirty = true;
  region_.seal(*spans_[1]);
  EXPECT_TRUE(has(faults(), FaultKind::span_bin_mismatch));
}

TEST_F(RegionForgedTest, ARetiredSpanInNoListIsI12AndAWrongSumI14) {
  spans_[1]->state = SpanState::retired;
  region_.seal(*spans_[1]);
  EXPECT_TRUE(has(faults(), FaultKind::span_bin_mismatch));
  EXPECT_TRUE(has(faults(), FaultKind::accounting_mismatch));
}

TEST_F(RegionForgedTest, LinksThatDoNotLeadBackOrFormARingAreI12) {
  for (const std::size_t i : {1U, 3U}) region_.release_span(*spans_[i], true, 0);
  for (SpanDescriptor* const span : {spans_[1], spans_[3]}) {
    const SpanDescriptor sound = *span;
    for (std::uint32_t* const link : {&span->bin.next, &span->bin.previous, &span->age.next, &span->age.previous}) {
      for (const std::uint32_t target : {0U, 2U, 6U, 11U, 4'000'000U, kNoSpan}) {
        if (*link == target) continue;
        *link = target;
        EXPECT_TRUE(has(faults(), FaultKind::span_bin_mismatch)) << target;
        *span = sound;
      }
    }
  }
  EXPECT_TRUE(faults().empty());
}

}  // namespace
}  // namespace trestle
