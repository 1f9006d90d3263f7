// Wrong structures whose every tag is right, and what calls that meet them answer: a fault, and nothing changes.
#include <cstring>
#include <vector>

#include "block/forged.hpp"

namespace trestle {
namespace {

template <class T>
class ForgedCalls : public ForgedTest<T> {
 protected:
  // That the call gives this, and leaves all bytes as they were.
  template <class Call>
  void expect_refused(FaultKind kind, Call call) {
    const std::vector<std::byte> before(this->buffer_.start(), this->buffer_.end());
    EXPECT_EQ(call(), kind);
    EXPECT_EQ(std::memcmp(before.data(), this->buffer_.start(), before.size()), 0) << "it changed something";
  }
  FaultKind release(std::byte* payload) { return this->buffer_->deallocate(payload, kFromMalloc).kind; }
  FaultKind resize(std::byte* payload, std::size_t size) { return this->buffer_->reallocate(payload, size).kind; }
  FaultKind allocate(std::size_t size) { return this->buffer_->allocate(size, kMinAlignment, Kind::by_malloc).kind; }
  void free(std::byte* payload) { ASSERT_EQ(give(*this->buffer_, payload), FaultKind::none); }
  std::byte* end() { return this->buffer_.end() - kHeaderBytes; }
  // What lies in front of `at` says that there is a free block of so many bytes.
  void forge_footer_before(std::byte* at, std::size_t size) {
    std::byte* const footer = at - kFooterBytes;
    store_footer(this->buffer_->key(), this->place_of(footer), footer, size);
  }
};
TYPED_TEST_SUITE(ForgedCalls, EveryPolicy, PolicyNames);

TYPED_TEST(ForgedCalls, AFooterThatLeadsToAnotherFreeBlockIsNoLeftNeighbour) {
  this->free(this->live_[0]);
  std::byte* const at = this->live_[2] - kHeaderBytes;
  this->forge(this->live_[2], this->header_of(this->live_[2]).with_previous_used(false));
  this->forge_footer_before(at, 128);  // which is live
  this->expect_refused(FaultKind::header_corrupt, [&] { return this->release(this->live_[2]); });
  this->forge_footer_before(at, 256);
  this->expect_refused(FaultKind::boundary_tag_mismatch, [&] { return this->release(this->live_[2]); });
  this->forge_footer_before(at, 512);
  this->expect_refused(FaultKind::footer_corrupt, [&] { return this->release(this->live_[2]); });
}

TYPED_TEST(ForgedCalls, TheFirstBlockHasNoLeftNeighbour) {
  this->forge(this->live_[0], this->header_of(this->live_[0]).with_previous_used(false));
  this->expect_refused(FaultKind::boundary_tag_mismatch, [&] { return this->release(this->live_[0]); });
}

TYPED_TEST(ForgedCalls, WhoeverOverrunsTheHeapIsNotFreed) {
  this->forge(this->live_[2], Header::live(16 << 10, true, Kind::by_malloc, 0));
  this->expect_refused(FaultKind::block_overruns_span, [&] { return this->release(this->live_[2]); });
}

TYPED_TEST(ForgedCalls, AFreeRightNeighbourThatItsOwnDoesNotKnowIsNone) {
  this->free(this->live_[3]);
  this->forge(this->live_[4], this->header_of(this->live_[4]).with_previous_used(true));
  this->expect_refused(FaultKind::boundary_tag_mismatch, [&] { return this->release(this->live_[2]); });
  this->expect_refused(FaultKind::boundary_tag_mismatch, [&] { return this->resize(this->live_[2], 150); });
  this->expect_refused(FaultKind::boundary_tag_mismatch, [&] { return this->resize(this->live_[2], 10); });
}

TYPED_TEST(ForgedCalls, AFreeBlockHasToEndInTheHeapAndInAFooterOfItsSize) {
  this->free(this->live_[3]);
  this->forge(this->live_[3], Header::free(16 << 10, true, false));
  this->expect_refused(FaultKind::block_overruns_span, [&] { return this->release(this->live_[2]); });
  this->forge(this->live_[3], Header::free(128, true, false));
  this->forge_footer_before(this->live_[4] - kHeaderBytes, 144);
  this->expect_refused(FaultKind::footer_corrupt, [&] { return this->release(this->live_[2]); });
  this->forge(this->live_[3], Header::live(128, true, Kind::by_malloc, 0));
  this->expect_refused(FaultKind::header_corrupt, [&] { return this->allocate(100); });
}

// Of all that the two links of a free block may lead to nothing but what leads back is followed.
TYPED_TEST(ForgedCalls, LinksThatDoNotLeadBackKeepTheBlockFromBeingUnlinked) {
  std::byte* const one = this->live_[1];
  std::byte* const two = this->live_[3];
  this->free(one);
  this->free(two);
  const std::vector<std::byte> sound(this->buffer_.start(), this->buffer_.end());
  for (std::byte* const link : {one, one + 8, two, two + 8}) {
    for (std::byte* const target :
         {static_cast<std::byte*>(nullptr), one, two, this->live_[0], this->live_[0] + 8, this->buffer_.end() + 4096}) {
      std::memcpy(this->buffer_.start(), sound.data(), sound.size());
      const std::uint64_t before = load_word(link);
      this->forge_link(link, target);
      if (load_word(link) == before) continue;                          // it led there already
      if (target == nullptr && (link == one || link == two)) continue;  // the list ends there: the other block tells
      const FaultKind found = this->release(this->live_[2]);
      EXPECT_TRUE(found == FaultKind::free_link_corrupt || found == FaultKind::bin_mismatch)
          << link - one << ", " << target - one;
    }
  }
}

TYPED_TEST(ForgedCalls, AnEndThatIsNoneIsNotMoved) {
  constexpr std::size_t kMost = 64 << 10;
  const auto stays = [&] {
    const std::size_t size = this->buffer_->size();
    this->expect_refused(FaultKind::none, [&] {
      EXPECT_FALSE(this->buffer_->grow(kMost, false));
      EXPECT_EQ(this->buffer_->smallest_size(), size);
      EXPECT_FALSE(this->buffer_->shrink(size - 1024));
      return FaultKind::none;
    });
  };
  std::byte* const end = this->end();
  std::byte kept[kHeaderBytes];
  std::memcpy(kept, end, sizeof kept);
  flip(end + 8);
  stays();  // no header
  this->forge(end + kHeaderBytes, Header::live(128, true, Kind::by_malloc, 0));
  stays();  // another's
  std::memcpy(end, kept, sizeof kept);
  this->forge_footer_before(end, 144);
  stays();  // and in front of it no free block
}

TYPED_TEST(ForgedCalls, MemoryThatIsSaidToBeZeroIsLookedAt) {
  constexpr std::size_t kLittle = 16 << 10;
  constexpr std::size_t kMost = 64 << 10;
  Buffer<TestFixture::kPolicy> buffer(kLittle, true, kMost);
  buffer.end()[1000] = std::byte{1};
  ASSERT_TRUE(buffer->grow(kMost, true));
  EXPECT_TRUE(faults_of(*buffer).empty());
  const Allocation all = buffer->allocate(buffer->largest_free(), kMinAlignment, Kind::by_malloc);
  EXPECT_EQ(all.kind, FaultKind::none);
  EXPECT_NE(all.payload, nullptr);
}

}  // namespace
}  // namespace trestle
