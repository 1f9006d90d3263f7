// Each single flipped bit of every byte that a BitmapHeap owns is reported by a full check, and none of a live payload's; and
// what is wrong under a right seal, as a bug of the heap's own would leave it, has its fault too.
//
// What is not covered: the last eight bytes of the record (the last fault, which is the public face's memory of one call); and
// under fast, which knows neither canary nor poison, all units.
#include "slab/units.hpp"

namespace trestle {
namespace {

constexpr std::size_t kUnsealed = 8;

template <class T>
class BitmapFlipTest : public UnitsTest<T> {
 protected:
  static constexpr Policy kPolicy = T::kPolicy;
  using Room = Units<kPolicy>;

  // live | free | live | free | live, and pages that are full, free, and have one block.
  static void populate(Room& room) {
    std::vector<std::byte*> live;
    for (const std::size_t size : std::initializer_list<std::size_t>{50, 40, 1, 20}) live.push_back(take(*room, size));
    ASSERT_EQ(give(*room, live[1]), FaultKind::none);
    ASSERT_EQ(give(*room, live[3]), FaultKind::none);
    ASSERT_EQ(take(*room, room->largest_request()), room.first_unit(1));
    ASSERT_NE(take(*room, 180), nullptr);
  }
  // Per byte of the buffer: whether a flip there has to be reported.
  static std::vector<bool> owned_bytes(Room& room) {
    std::vector<bool> owned(room->size(), true);
    const auto release = [&](const std::byte* from, std::size_t bytes) {
      std::fill_n(owned.begin() + (from - room.start()), bytes, false);
    };
    release(room.header(0) - kUnsealed, kUnsealed);
    for (const BlockView& block : blocks_of(*room)) {
      const bool live = block.state == BlockState::live;
      if (live) release(block.payload, kPolicy.canary ? block.requested : block.served);
      if (!live && !kPolicy.poison) release(block.payload, block.served);
    }
    return owned;
  }
  static void expect_exactly_owned_flips_reported(Room& room) {
    const std::vector<bool> owned = owned_bytes(room);
    ASSERT_TRUE(faults_of(*room).empty());
    for (std::size_t i = 0; i < room->size(); ++i) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        flip_bit(room.start() + i, bit);
        FaultSink sink;
        room->check(CheckLevel::full, sink);
        flip_bit(room.start() + i, bit);
        ASSERT_EQ(sink.count(), owned[i] ? 1U : 0U) << "byte " << i << " bit " << bit;
      }
    }
    EXPECT_TRUE(faults_of(*room).empty());
  }
};
TYPED_TEST_SUITE(BitmapFlipTest, EveryPolicy, PolicyNames);

TYPED_TEST(BitmapFlipTest, AHeapOfLiveAndFreeBlocks) {
  for (const bool zeroed : {false, true}) {
    typename TestFixture::Room room(4 * 256, 256, zeroed);
    ASSERT_NO_FATAL_FAILURE(TestFixture::populate(room));
    TestFixture::expect_exactly_owned_flips_reported(room);
  }
}

TYPED_TEST(BitmapFlipTest, AHeapThatNothingWasTakenFrom) {
  for (const std::size_t page : kPageSizes) {
    typename TestFixture::Room room(2 * page, page);
    TestFixture::expect_exactly_owned_flips_reported(room);
  }
}

// Every bit of a page's header: by name and place in a check of either level, and in each call that goes by the codes.
TYPED_TEST(BitmapFlipTest, EachBitOfEachPagesHeaderIsSeenByCheckAndByTheCalls) {
  typename TestFixture::Room room(3 * 1024, 1024);
  std::byte* const first = take(*room, 10);
  std::byte* const second = take(*room, room->largest_request());
  for (std::size_t page = 0; page < 2; ++page) {
    std::byte* const header = room.header(page);
    std::byte* const at = page == 0 ? first : second;
    for (unsigned bit = 0; bit < 8 * room.header_bytes(); ++bit) {
      flip_bit(header, bit);
      for (const CheckLevel level : {CheckLevel::quick, CheckLevel::full})
        ASSERT_TRUE(has(faults_of(*room, level), FaultKind::control_corrupt, header)) << page << ", " << bit;
      const Verdict freed = room->deallocate(at, kFromMalloc);
      ASSERT_TRUE(freed.kind == FaultKind::control_corrupt && freed.at == header) << page << ", " << bit;
      ASSERT_EQ(room->reallocate(at, 1).kind, FaultKind::control_corrupt);
      ASSERT_EQ(room->usable_size(at).kind, FaultKind::control_corrupt);
      const Allocation made = room->allocate(room->largest_request(), kMinAlignment, Kind::by_malloc);
      ASSERT_TRUE(made.kind == FaultKind::control_corrupt && made.payload == header) << page << ", " << bit;
      flip_bit(header, bit);
    }
  }
  EXPECT_TRUE(faults_of(*room).empty());
  EXPECT_EQ(room->smallest_size(), 2048U);
  flip_bit(room.header(2), 1);
  EXPECT_EQ(room->smallest_size(), 3072U) << "nobody knows what a page holds whose codes are wrong";
  EXPECT_FALSE(room->shrink(2048));
}

// A seal is of its place: what one page begins with is no other page's beginning.
TYPED_TEST(BitmapFlipTest, AHeaderCopiedFromAnotherPageIsNoHeader) {
  typename TestFixture::Room room(4 * 256, 256);
  ASSERT_EQ(take(*room, room->largest_request()), room.first_unit(1));
  std::memcpy(room.header(2), room.header(1), room.header_bytes());
  EXPECT_TRUE(has(faults_of(*room), FaultKind::control_corrupt, room.header(2)));
  EXPECT_EQ(give(*room, room.first_unit(2)), FaultKind::control_corrupt);
  std::memcpy(room.header(2), room.header(3), room.header_bytes());
  EXPECT_TRUE(has(faults_of(*room), FaultKind::control_corrupt, room.header(2)));
}

// The record as the heap keeps it, {key, bytes, page bytes and first open page, seal}, with another first open page.
template <class Room>
void forge_first_open(Room& room, std::uint64_t page) {
  const Key key{load_word(room.start()), load_word(room.start() + 8)};
  const std::uint64_t page_bytes = room->page_bytes();
  store_word(room.start() + 24, page << 32 | page_bytes);
  store_word(room.start() + 32, tag_of(key, room->size(), page_bytes << 32 | page));
}

TYPED_TEST(BitmapFlipTest, AFirstOpenPageBehindOneThatIsNotFullIsAnAccountingMismatch) {
  typename TestFixture::Room room(3 * 256, 256);
  forge_first_open(room, 0);
  ASSERT_TRUE(faults_of(*room).empty());
  for (const std::size_t page : {1U, 2U, 3U}) {
    forge_first_open(room, page);
    for (const CheckLevel level : {CheckLevel::quick, CheckLevel::full}) {
      const std::vector<Fault> faults = faults_of(*room, level);
      ASSERT_EQ(faults.size(), page);
      EXPECT_TRUE(has(faults, FaultKind::accounting_mismatch, room.header(page - 1)));
      EXPECT_TRUE(faults[0].expected == 0 && faults[0].found == page);
    }
  }
  forge_first_open(room, 4);
  EXPECT_TRUE(has(faults_of(*room), FaultKind::control_corrupt, room.start())) << "there are three";
}

// A check of any bytes whatever ends, and writes none of them.
TYPED_TEST(BitmapFlipTest, RandomBytesEverywhere) {
  constexpr std::size_t kBytes = std::size_t{4} * 256;
  std::uint64_t random = 1;
  for (int round = 0; round < 2000; ++round) {
    typename TestFixture::Room room(kBytes, 256);
    ASSERT_NO_FATAL_FAILURE(TestFixture::populate(room));
    for (std::uint64_t writes = random_below(random, 4) + 1; writes != 0; --writes)
      store_word(room.start() + random_below(random, kBytes - 8), split_mix(random));
    const std::vector<std::byte> before(room.start(), room.start() + kBytes);
    (void)faults_of(*room);
    (void)blocks_of(*room);
    ASSERT_EQ(std::memcmp(before.data(), room.start(), before.size()), 0);
  }
}

}  // namespace
}  // namespace trestle
