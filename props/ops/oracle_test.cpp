// The oracle, an expectation a test; oracle_prop.cpp holds it against a brute-force one.
#include "ops/oracle.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace trestle::ops {
namespace {

constexpr std::size_t kArena = 2048;

class OracleTest : public testing::Test {
 protected:
  alignas(64) std::array<std::byte, kArena> arena_{};
  Oracle oracle_{Model{}};

  std::byte* at(std::size_t offset) { return arena_.data() + offset; }
  std::byte* end() { return arena_.data() + arena_.size(); }
  const LiveBlock& place(SlotId slot, std::size_t offset, std::size_t size) {
    oracle_.model().place(slot, size, kMinAlignment, Kind::by_malloc);
    oracle_.model().settle(slot, at(offset));
    Oracle::fill(oracle_.model().at(slot));
    return oracle_.model().at(slot);
  }
  [[nodiscard]] Expectation verdict() const { return oracle_.failure(0).what; }
};

TEST_F(OracleTest, SeesEveryByteOfASmallBlockThatChanges) {
  for (const std::size_t size : {1UL, 7UL, 16UL, 100UL, 255UL, 256UL}) {
    const LiveBlock& block = place(SlotId{1}, 64, size);
    for (std::size_t i = 0; i < size; ++i) {
      for (const unsigned flip : {0x01U, 0x80U, 0xFFU}) {
        Oracle trial = oracle_;
        block.address[i] ^= static_cast<std::byte>(flip);
        trial.judge_all_contents();
        block.address[i] ^= static_cast<std::byte>(flip);
        EXPECT_EQ(trial.failure(0).what, Expectation::contents_kept) << i << " of " << size;
      }
    }
    oracle_.judge_all_contents();
    EXPECT_FALSE(oracle_.is_violated());
    oracle_.model().remove(SlotId{1});
  }
}

TEST_F(OracleTest, SeesTheHeadAndTheTailOfALargeBlock) {
  const LiveBlock& block = place(SlotId{1}, 0, 2000);
  for (const std::size_t i : {0UL, 95UL, 1000UL, 1904UL, 1999UL}) {
    Oracle trial = oracle_;
    block.address[i] ^= std::byte{1};
    trial.judge_all_contents();
    block.address[i] ^= std::byte{1};
    EXPECT_EQ(trial.failure(0).what, Expectation::contents_kept) << i;
  }
}

TEST_F(OracleTest, SeesContentsThatMovedByOneByte) {
  const LiveBlock& block = place(SlotId{1}, 64, 200);
  std::memmove(block.address + 1, block.address, 199);
  oracle_.judge_all_contents();
  EXPECT_EQ(verdict(), Expectation::contents_kept);
}

TEST_F(OracleTest, SeesOneByteThatIsNotZero) {
  for (const std::size_t size : {1UL, 8UL, 300UL, 2000UL}) {
    for (const std::size_t i : {std::size_t{0}, size / 2, size - 1}) {
      Oracle trial = oracle_;
      arena_[i] = std::byte{1};
      trial.judge_zeroed(arena_.data(), size);
      arena_[i] = std::byte{0};
      EXPECT_EQ(trial.failure(0).what, Expectation::memory_zeroed) << i << " of " << size;
    }
    oracle_.judge_zeroed(arena_.data(), size);
    EXPECT_FALSE(oracle_.is_violated());
  }
}

TEST_F(OracleTest, WantsBlocksInsideAndAligned) {
  Oracle outside = oracle_;
  outside.judge_place(end() - 15, 16, 1, arena_.data(), end());
  EXPECT_EQ(outside.failure(0).what, Expectation::block_inside_heap);
  Oracle below = oracle_;
  below.judge_place(arena_.data() - 1, 1, 1, arena_.data(), end());
  EXPECT_EQ(below.failure(0).what, Expectation::block_inside_heap);
  Oracle misaligned = oracle_;
  misaligned.judge_place(at(32), 1, 64, arena_.data(), end());
  EXPECT_EQ(misaligned.failure(0).what, Expectation::block_aligned);
  oracle_.judge_place(end() - 16, 16, 16, arena_.data(), end());
  EXPECT_FALSE(oracle_.is_violated());
}

TEST_F(OracleTest, KeepsTheFirstViolation) {
  oracle_.violate(Expectation::walk_matches, "first %d", 1);
  oracle_.violate(Expectation::heap_sound, "second");
  EXPECT_EQ(verdict(), Expectation::walk_matches);
  EXPECT_EQ(oracle_.failure(4).detail, "first 1");
  EXPECT_EQ(oracle_.failure(4).op, 4U);
}

TEST_F(OracleTest, WantsFreeBlocksApartFromLiveOnes) {
  place(SlotId{1}, 256, 64);
  Oracle::Shown seen;
  const auto shows = [&](std::size_t offset, std::size_t served) {
    Oracle trial = oracle_;
    return trial.judge_shown({at(offset), 0, served, BlockState::free, Kind::none}, seen);
  };
  EXPECT_TRUE(shows(192, 64));
  EXPECT_FALSE(shows(192, 65));
  EXPECT_FALSE(shows(300, 4));
  EXPECT_TRUE(shows(320, 64));
  EXPECT_EQ(seen.live, 0U);
}

}  // namespace
}  // namespace trestle::ops
