// Freed large spans that wait with their contents, under the policy that keeps them: whom they serve, and when they go.
#include <memory>

#include "heap/fixture.hpp"
#include "ops/test_os.hpp"

namespace trestle {
namespace {

using ops::TestArena;
using ops::TestOs;

class LargeKeptTest : public testing::Test {
 protected:
  using HeapType = Heap<kFast, TestOs>;
  static constexpr std::size_t kDirty = 64 * kMiB;

  void SetUp() override {
    ASSERT_TRUE(heap_.start({.secret = 1, .region_bytes = 128 * kMiB, .decay_ms = 1000, .dirty_bytes = kDirty}));
  }
  void TearDown() override {
    EXPECT_TRUE(faults_of(heap_).empty());
    heap_.stop();
    EXPECT_EQ(arena_.breach(), nullptr);
  }
  std::size_t kept() { return heap_.stats().retired_bytes; }

  TestArena arena_;
  std::unique_ptr<HeapType> owner_ = std::make_unique<HeapType>(TestOs{arena_});
  HeapType& heap_ = *owner_;
};

TEST_F(LargeKeptTest, ServeTheNextOfTheirLengthWithoutASystemCall) {
  std::byte* const first = take(heap_, kMiB);
  ASSERT_EQ(give(heap_, first), FaultKind::none);
  const std::size_t before = arena_.calls();
  for (std::size_t i = 0; i < 100; ++i) {
    std::byte* const at = take(heap_, kMiB - 16 * i);
    ASSERT_TRUE(at > first - kMiB && at < first + kMiB) << "of another span";
    fill(at, kMiB - 16 * i, 0x6D);
    ASSERT_EQ(give(heap_, at), FaultKind::none);
    ASSERT_EQ(give(heap_, at), FaultKind::double_free);
  }
  EXPECT_EQ(arena_.calls(), before);
}

TEST_F(LargeKeptTest, AreClearedForThoseWhoAskForZeros) {
  std::byte* const at = take(heap_, kMiB);
  fill(at, kMiB, 0x6D);
  ASSERT_EQ(give(heap_, at), FaultKind::none);
  const auto* const zeros = static_cast<std::byte*>(heap_.allocate_zeroed(kMiB, Kind::by_malloc).payload);
  ASSERT_EQ(zeros, at);
  EXPECT_EQ(first_other(zeros, kMiB, 0), nullptr);
}

TEST_F(LargeKeptTest, HaveTheirFenceWhereTheRequestNeedsIt) {
  for (const std::size_t alignment : {std::size_t{16}, 4 * kKiB, 64 * kKiB, kMiB}) {
    for (const std::size_t size : {kMiB, kMiB + 1, kMiB + 40 * kKiB}) {
      std::byte* const at = static_cast<std::byte*>(heap_.allocate(size, alignment, Kind::by_malloc).payload);
      ASSERT_TRUE(is_aligned(at, alignment));
      const std::byte* const fence = at + size + (align_up(address_of(at + size), kOsPage) - address_of(at + size));
      ASSERT_TRUE(arena_.is_accessible(at, size));
      ASSERT_FALSE(arena_.is_accessible(fence, 1)) << size << " at " << alignment;
      ASSERT_TRUE(faults_of(heap_).empty());
      ASSERT_EQ(give(heap_, at), FaultKind::none);
    }
  }
}

TEST_F(LargeKeptTest, GoBackWithTime) {
  std::byte* const sooner = take(heap_, 2 * kMiB);
  std::byte* const later = take(heap_, 5 * kMiB);
  std::byte* const last = take(heap_, kMiB);
  ASSERT_EQ(give(heap_, sooner), FaultKind::none);
  arena_.advance(999);
  ASSERT_EQ(give(heap_, later), FaultKind::none);
  EXPECT_GT(kept(), 7 * kMiB);
  arena_.advance(2);
  ASSERT_EQ(give(heap_, last), FaultKind::none);
  EXPECT_GT(kept(), 6 * kMiB);
  EXPECT_LT(kept(), 7 * kMiB);
  EXPECT_LT(heap_.stats().dirty_span_bytes, kMiB) << "what went back holds no pages";
}

TEST_F(LargeKeptTest, AreNoMoreThanTheBudgetAllowsAndNoneAfterATrim) {
  std::vector<std::byte*> live;
  for (int i = 0; i < 10; ++i) live.push_back(take(heap_, 5 * kMiB));
  for (std::byte* const at : live) {
    ASSERT_EQ(give(heap_, at), FaultKind::none);
    ASSERT_LE(kept(), kDirty / 4);
  }
  EXPECT_GT(kept(), 8 * kMiB);
  EXPECT_TRUE(heap_.trim(8 * kMiB));
  EXPECT_LE(kept() + heap_.stats().dirty_span_bytes, 8 * kMiB);
  EXPECT_TRUE(heap_.trim(0));
  EXPECT_EQ(kept(), 0U);
}

TEST_F(LargeKeptTest, AreCutForOthersBeforeTheHeapGrows) {
  std::vector<std::byte*> live;
  for (int i = 0; i < 6; ++i) live.push_back(take(heap_, 2 * kMiB));
  for (std::byte* const at : live) ASSERT_EQ(give(heap_, at), FaultKind::none);
  const std::uint64_t before = heap_.stats().committed_bytes;
  ASSERT_NE(take(heap_, 9 * kMiB), nullptr);
  EXPECT_EQ(heap_.stats().committed_bytes, before);
}

}  // namespace
}  // namespace trestle
