// Wrong structures whose every tag is right, as a bug of the heap's own would leave them: each breach of an invariant has
// its own fault. The test knows the key and forges.
#include "block/forged.hpp"

namespace trestle {
namespace {

TYPED_TEST_SUITE(ForgedTest, EveryPolicy, PolicyNames);

TYPED_TEST(ForgedTest, ABlockThatOverrunsItsHeapIsI2) {
  for (const std::size_t size : {16 * std::size_t{1024}, std::size_t{1} << 30, std::size_t{kMaxBlockBytes}}) {
    this->forge(this->live_[2], Header::live(size, true, Kind::by_malloc, 0));
    EXPECT_TRUE(has(faults_of(*this->buffer_), FaultKind::block_overruns_span, this->live_[2] - kHeaderBytes)) << size;
  }
}

TYPED_TEST(ForgedTest, AnEndHeaderBeforeTheEndIsI2) {
  this->forge(this->live_[2], Header::end(true));
  EXPECT_TRUE(has(faults_of(*this->buffer_), FaultKind::block_overruns_span, this->live_[2] - kHeaderBytes));
}

TYPED_TEST(ForgedTest, AWrongPreviousUsedIsI3) {
  this->forge(this->live_[2], this->header_of(this->live_[2]).with_previous_used(false));
  EXPECT_TRUE(has(faults_of(*this->buffer_), FaultKind::boundary_tag_mismatch, this->live_[2] - kHeaderBytes));
  EXPECT_EQ(give(*this->buffer_, this->live_[1]), FaultKind::boundary_tag_mismatch)
      << "its right neighbour thinks it free";
  EXPECT_TRUE(this->buffer_->deallocate(this->live_[2], kFromMalloc).is_fault()) << "there is no footer to its left";
}

TYPED_TEST(ForgedTest, TwoFreeNeighboursAreI4) {
  ASSERT_EQ(give(*this->buffer_, this->live_[1]), FaultKind::none);
  this->forge(this->live_[2], Header::free(128, false, false));
  this->forge_footer(this->live_[2], 128);
  EXPECT_TRUE(has(faults_of(*this->buffer_), FaultKind::uncoalesced_neighbours, this->live_[2] - kHeaderBytes));
}

TYPED_TEST(ForgedTest, AFooterOfAnotherSizeIsI7) {
  ASSERT_EQ(give(*this->buffer_, this->live_[1]), FaultKind::none);
  std::byte* const footer = this->live_[1] + 112 - kFooterBytes;
  store_footer(this->buffer_->key(), this->place_of(footer), footer, 144);
  EXPECT_TRUE(has(faults_of(*this->buffer_), FaultKind::footer_corrupt, footer));
  EXPECT_TRUE(this->buffer_->deallocate(this->live_[2], kFromMalloc).is_fault()) << "it leads to no free block";
}

// A list of two, whose links are made to lead to a live block, to themselves, or past one another.
TYPED_TEST(ForgedTest, LinksThatDoNotLeadBackAreI8) {
  std::byte* const one = this->live_[1];
  std::byte* const two = this->live_[3];
  ASSERT_EQ(give(*this->buffer_, one), FaultKind::none);
  ASSERT_EQ(give(*this->buffer_, two), FaultKind::none);
  const std::vector<std::byte> sound(this->buffer_.start(), this->buffer_.end());
  for (std::byte* const link : {one, one + 8, two, two + 8}) {
    for (std::byte* const target :
         {static_cast<std::byte*>(nullptr), one, two, this->live_[0], this->live_[0] + 16, this->buffer_.end()}) {
      std::memcpy(this->buffer_.start(), sound.data(), sound.size());
      const std::uint64_t before = load_word(link);
      this->forge_link(link, target);
      if (load_word(link) == before) continue;  // it led there already
      const std::vector<Fault> faults = faults_of(*this->buffer_);
      EXPECT_TRUE(has(faults, FaultKind::free_link_corrupt) || has(faults, FaultKind::bin_mismatch))
          << link - one << ", " << target - one;
    }
  }
}

TYPED_TEST(ForgedTest, AFreeBlockThatNoListHoldsIsI8) {
  ASSERT_EQ(give(*this->buffer_, this->live_[1]), FaultKind::none);
  this->forge(this->live_[3], Header::free(128, true, false));
  this->forge_footer(this->live_[3], 128);
  this->forge(this->live_[4], this->header_of(this->live_[4]).with_previous_used(false));
  this->forge_link(this->live_[3], nullptr);
  this->forge_link(this->live_[3] + 8, nullptr);
  EXPECT_TRUE(has(faults_of(*this->buffer_), FaultKind::bin_mismatch));
}

TYPED_TEST(ForgedTest, ALiveBlockThatNobodyCountedIsI9) {
  this->forge(this->live_[2], this->header_of(this->live_[2]).retired());
  EXPECT_TRUE(has(faults_of(*this->buffer_), FaultKind::accounting_mismatch));
}

TYPED_TEST(ForgedTest, EachCounterIsHeldAgainstTheCount) {
  const auto* const counts = &this->buffer_->counts();
  ASSERT_EQ(give(*this->buffer_, this->live_[1]), FaultKind::none);
  auto* const words = reinterpret_cast<std::byte*>(const_cast<BlockTally*>(counts));
  for (std::size_t i = 0; i < sizeof(BlockTally); i += 8) {
    store_word(words + i, load_word(words + i) + 1);
    const std::vector<Fault> faults = faults_of(*this->buffer_);
    EXPECT_TRUE(has(faults, FaultKind::accounting_mismatch, words + i) || has(faults, FaultKind::bin_mismatch)) << i;
    store_word(words + i, load_word(words + i) - 1);
  }
  EXPECT_TRUE(faults_of(*this->buffer_).empty());
}

}  // namespace
}  // namespace trestle
