// The oracle against a brute-force one: a map that says of every byte whose it is.
#include "ops/oracle.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>

#include "ops/random.hpp"

namespace trestle::ops {
namespace {

constexpr std::size_t kArena = 2048;

class ByteMap {
 public:
  [[nodiscard]] bool is_free(std::size_t at, std::size_t bytes) const {
    for (std::size_t i = at; i < at + bytes; ++i)
      if (owners_.at(i) != kNobody) return false;
    return true;
  }
  void give(std::size_t at, std::size_t bytes, int owner) {
    for (std::size_t i = at; i < at + bytes; ++i) owners_.at(i) = owner;
  }
  [[nodiscard]] std::size_t longest_gap() const {
    std::size_t longest = 0;
    std::size_t run = 0;
    for (const int owner : owners_) longest = std::max(longest, run = owner == kNobody ? run + 1 : 0);
    return longest;
  }
  [[nodiscard]] int owner(std::size_t at) const { return owners_.at(at); }
  static constexpr int kNobody = -1;

 private:
  std::array<int, kArena> owners_ = [] {
    std::array<int, kArena> all;
    all.fill(kNobody);
    return all;
  }();
};

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

TEST_F(OracleTest, AgreesWithTheByteMapOnOverlapAndGaps) {
  Random random(21);
  for (int round = 0; round < 200; ++round) {
    Oracle oracle{Model{}};
    ByteMap bytes;
    std::map<std::size_t, std::pair<std::size_t, std::size_t>> placed;
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      const std::size_t offset = random.below(kArena - 128);
      const std::size_t size = random.below(96);
      Oracle trial = oracle;
      trial.judge_place(at(offset), size, 1, arena_.data(), end());
      ASSERT_EQ(trial.is_violated(), !bytes.is_free(offset, std::max<std::size_t>(size, 1)));
      if (trial.is_violated()) continue;
      bytes.give(offset, std::max<std::size_t>(size, 1), static_cast<int>(slot));
      oracle.model().place(SlotId{static_cast<std::uint8_t>(slot)}, size, 16, Kind::by_malloc);
      oracle.model().settle(SlotId{static_cast<std::uint8_t>(slot)}, at(offset));
      if (random.below(3) != 0) continue;
      const SlotId gone = oracle.model().live()[random.below(oracle.model().live().size())];
      const LiveBlock& block = oracle.model().at(gone);
      bytes.give(static_cast<std::size_t>(block.address - arena_.data()), block.extent(), ByteMap::kNobody);
      oracle.model().remove(gone);
    }
    ASSERT_EQ(Oracle::longest_gap(oracle.model(), arena_.data(), end()), bytes.longest_gap());
    for (std::size_t i = 0; i < kArena; ++i) {
      const LiveBlock* const block = oracle.model().first_ending_after(at(i));
      const bool inside = block != nullptr && block->address <= at(i);
      ASSERT_EQ(inside, bytes.owner(i) != ByteMap::kNobody);
    }
  }
}

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
  std::size_t seen = 0;
  const auto shows = [&](std::size_t offset, std::size_t served) {
    Oracle trial = oracle_;
    return trial.judge_shown({at(offset), 0, served, BlockState::free, Kind::none}, seen);
  };
  EXPECT_TRUE(shows(192, 64));
  EXPECT_FALSE(shows(192, 65));
  EXPECT_FALSE(shows(300, 4));
  EXPECT_TRUE(shows(320, 64));
  EXPECT_EQ(seen, 0U);
}

}  // namespace
}  // namespace trestle::ops
