// BitmapHeap serves, resizes in place and by moving, tells runs that touch apart, and comes back to empty pages.
#include <array>

#include "slab/units.hpp"

namespace trestle {
namespace {

template <class T>
class BitmapHeapTest : public UnitsTest<T> {};
TYPED_TEST_SUITE(BitmapHeapTest, EveryPolicy, PolicyNames);

constexpr std::size_t kRoom = 16 << 10;

TYPED_TEST(BitmapHeapTest, ServesEverySizeAtEveryAlignment) {
  typename TestFixture::Room room(kRoom);
  for (std::size_t alignment = kMinAlignment; alignment <= 2048; alignment *= 2) {
    for (std::size_t size = 0; size <= 2048 - 16; size += size < 66 ? 1 : 61) {
      std::byte* const at = take(*room, size, alignment);
      ASSERT_NE(at, nullptr) << size << " at " << alignment;
      EXPECT_TRUE(is_aligned(at, alignment));
      EXPECT_TRUE(at >= room.start() && at + size <= room.end());
      EXPECT_EQ(room->usable_size(at).bytes, TestFixture::told(size));
      std::memset(at, 0xEE, size);
      ASSERT_TRUE(faults_of(*room).empty()) << size << " at " << alignment;
      ASSERT_EQ(give(*room, at, {.size = size, .alignment = alignment}), FaultKind::none);
      ASSERT_NO_FATAL_FAILURE(room.expect_empty());
    }
  }
}

// An address at a large alignment is the page's header, never a unit.
TYPED_TEST(BitmapHeapTest, NoUnitLiesAtAMultipleOfThePage) {
  typename TestFixture::Room room(kRoom);
  EXPECT_EQ(take(*room, 1, 4096), nullptr);
  EXPECT_EQ(take(*room, 1, std::size_t{1} << 63), nullptr);
  EXPECT_NE(take(*room, 1, 2048), nullptr);
}

TYPED_TEST(BitmapHeapTest, FillsUpToTheLastUnitAndEmptiesAgain) {
  for (const std::size_t page : kPageSizes) {
    for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 15, 16, 17, 48, 100, 150}) {
      typename TestFixture::Room room(kRoom, page);
      const std::size_t units = TestFixture::units_for(size);
      std::size_t expected = 0;
      for (std::size_t i = 0; i < kRoom / page; ++i) expected += room.units(i) / units;
      std::vector<std::byte*> live;
      while (std::byte* const at = take(*room, size)) live.push_back(at);
      ASSERT_EQ(live.size(), expected) << size << " by pages of " << page;
      ASSERT_FALSE(room->allocate(size, kMinAlignment, Kind::by_malloc).is_fault()) << "full is no fault";
      ASSERT_TRUE(faults_of(*room).empty());
      for (std::size_t i = 0; i < live.size(); i += 2) ASSERT_EQ(give(*room, live[i]), FaultKind::none);
      ASSERT_TRUE(faults_of(*room).empty());
      for (std::size_t i = 1; i < live.size(); i += 2) ASSERT_EQ(give(*room, live[i]), FaultKind::none);
      ASSERT_NO_FATAL_FAILURE(room.expect_empty());
    }
  }
}

// Sixteen bytes and two bits: what the heap keeps of itself is a record, and a seal and the codes of each page.
TYPED_TEST(BitmapHeapTest, EachPageKeepsASealAndTwoBitsAUnit) {
  constexpr std::size_t kHeaders[] = {16, 16, 32, 48, 80};
  for (std::size_t i = 0; i < std::size(kPageSizes); ++i)
    EXPECT_EQ(BitmapHeap<TestFixture::kPolicy>::header_bytes(kPageSizes[i]), kHeaders[i]) << kPageSizes[i];
}

TYPED_TEST(BitmapHeapTest, TheLargestRequestTakesAWholePageAndNoMoreIsServed) {
  for (const std::size_t page : kPageSizes) {
    typename TestFixture::Room room(2 * page, page);
    const std::size_t largest = room->largest_request();
    EXPECT_EQ(largest, page - room.header_bytes() - TestFixture::kPad);
    EXPECT_EQ(take(*room, largest + 1), nullptr);
    std::byte* const at = take(*room, largest);
    ASSERT_EQ(at, room.first_unit(1)) << "the first page has the record";
    EXPECT_EQ(take(*room, largest), nullptr);
    EXPECT_EQ(give(*room, at), FaultKind::none);
    for (const std::size_t size : {kRoom, std::size_t{1} << 40, std::size_t{PTRDIFF_MAX}, SIZE_MAX - 16, SIZE_MAX}) {
      const Allocation refused = room->allocate(size, kMinAlignment, Kind::by_malloc);
      EXPECT_TRUE(refused.payload == nullptr && !refused.is_fault()) << size;
    }
    ASSERT_NO_FATAL_FAILURE(room.expect_empty());
  }
}

TYPED_TEST(BitmapHeapTest, TheLowestUnitsThatDoAreTaken) {
  typename TestFixture::Room room(kRoom, 256);
  std::vector<std::byte*> live;
  while (std::byte* const at = take(*room, 40)) live.push_back(at);
  for (const std::size_t freed : {live.size() - 1, live.size() / 2, std::size_t{1}}) {
    ASSERT_EQ(give(*room, live[freed]), FaultKind::none);
    EXPECT_EQ(take(*room, 40), live[freed]) << "the only room";
    ASSERT_EQ(give(*room, live[freed]), FaultKind::none);
  }
  EXPECT_EQ(take(*room, 40), live[1]);
  EXPECT_EQ(take(*room, 40), live[live.size() / 2]);
}

TYPED_TEST(BitmapHeapTest, NoBytesStillHaveAnAddressOfTheirOwn) {
  typename TestFixture::Room room(kRoom);
  std::byte* const one = take(*room, 0);
  std::byte* const other = take(*room, 0);
  EXPECT_TRUE(one != nullptr && other == one + 16);
  EXPECT_EQ(give(*room, nullptr), FaultKind::none);
  EXPECT_EQ(room->usable_size(nullptr).bytes, 0U);
}

TYPED_TEST(BitmapHeapTest, GrowsAndShrinksInPlaceWhileThereIsRoom) {
  typename TestFixture::Room room(kRoom);
  std::byte* const at = take(*room, 100);
  std::memset(at, 0x11, 100);
  std::size_t kept = 100;
  for (const std::size_t size :
       std::initializer_list<std::size_t>{101, 112, 113, 500, 3000, 3001, 3967, 2000, 64, 63, 16, 15, 1, 0, 2000}) {
    ASSERT_EQ(regrow(*room, at, size), at) << "to " << size;
    kept = std::min<std::size_t>(kept, size);
    ASSERT_EQ(first_other(at, kept, 0x11), nullptr) << "to " << size;
    ASSERT_EQ(room->usable_size(at).bytes, TestFixture::told(size));
    ASSERT_TRUE(faults_of(*room).empty()) << "to " << size;
    ASSERT_EQ(blocks_of(*room).front().served, TestFixture::units_for(size) * 16);
  }
  ASSERT_EQ(give(*room, at, {.size = 2000}), FaultKind::none);
  ASSERT_NO_FATAL_FAILURE(room.expect_empty());
}

// What was canary is the owner's now, and would tell him of the key.
TYPED_TEST(BitmapHeapTest, ABlockThatGrowsInPlaceShowsNoCanary) {
  if constexpr (TestFixture::kPolicy.canary) {
    for (const std::size_t size : {15U, 31U, 300U}) {
      Units<TestFixture::kPolicy> room(4096);
      std::byte* const at = take(*room, 5);
      ASSERT_EQ(regrow(*room, at, size), at);
      EXPECT_EQ(first_other(at + 5, size - 5, TestFixture::kPolicy.poison_byte), nullptr) << size;
      EXPECT_TRUE(faults_of(*room).empty());
    }
  }
}

TYPED_TEST(BitmapHeapTest, GrowsToItsPagesLastUnitAndNoFurther) {
  typename TestFixture::Room room(kRoom, 1024);
  std::byte* const at = take(*room, 10);
  const std::size_t whole = room.units(0) * 16 - TestFixture::kPad;
  ASSERT_EQ(regrow(*room, at, whole), at);
  std::memset(at, 0x12, whole);
  std::byte* const moved = regrow(*room, at, whole + 1);
  ASSERT_EQ(moved, room.first_unit(1)) << "the page has no more";
  EXPECT_EQ(first_other(moved, whole, 0x12), nullptr);
  ASSERT_TRUE(faults_of(*room).empty());
}

TYPED_TEST(BitmapHeapTest, MovesWithItsContentsWhenItsNeighbourIsLive) {
  typename TestFixture::Room room(kRoom);
  std::byte* const at = take(*room, 100);
  std::byte* const wall = take(*room, 100);
  std::memset(at, 0x22, 100);
  std::byte* const moved = regrow(*room, at, 3000);
  ASSERT_TRUE(moved != nullptr && moved != at);
  EXPECT_EQ(first_other(moved, 100, 0x22), nullptr);
  constexpr std::size_t kFresh = TestFixture::kPolicy.poison ? 2900 : 0;
  EXPECT_EQ(first_other(moved + 100, kFresh, TestFixture::kPolicy.poison_byte), nullptr) << "no canary, no neighbour";
  EXPECT_EQ(room->usable_size(moved).bytes, TestFixture::told(3000));
  EXPECT_EQ(give(*room, at), FaultKind::double_free) << "its old place is free";
  ASSERT_TRUE(faults_of(*room).empty());
  EXPECT_EQ(give(*room, moved, {.size = 3000}), FaultKind::none);
  EXPECT_EQ(give(*room, wall), FaultKind::none);
  ASSERT_NO_FATAL_FAILURE(room.expect_empty());
}

TYPED_TEST(BitmapHeapTest, ARefusedReallocationKeepsTheOldBlock) {
  typename TestFixture::Room room(2 * 256, 256);
  std::byte* const at = take(*room, 100);
  ASSERT_NE(take(*room, 1), nullptr);
  std::memset(at, 0x33, 100);
  ASSERT_NE(take(*room, room->largest_request()), nullptr);
  for (const std::size_t size : {std::size_t{200}, kRoom, std::size_t{PTRDIFF_MAX}, SIZE_MAX}) {
    const Allocation refused = room->reallocate(at, size);
    EXPECT_TRUE(refused.payload == nullptr && !refused.is_fault());
    EXPECT_EQ(room->usable_size(at).bytes, TestFixture::told(100));
    EXPECT_EQ(first_other(at, 100, 0x33), nullptr);
  }
  EXPECT_TRUE(faults_of(*room).empty());
  EXPECT_NE(regrow(*room, nullptr, 10), nullptr);
}

// Runs that touch never share a code: freeing one leaves the others as long as they were.
TYPED_TEST(BitmapHeapTest, BlocksThatTouchStayApart) {
  typename TestFixture::Room room(4096);
  std::vector<std::byte*> live;
  for (std::size_t i = 0; i < 40; ++i) live.push_back(take(*room, 16 * (i % 3)));
  for (std::size_t i = 0; i < live.size(); ++i)
    ASSERT_EQ(room->usable_size(live[i]).bytes, TestFixture::told(16 * (i % 3)));
  for (std::size_t i = 0; i < live.size(); i += 3) ASSERT_EQ(give(*room, live[i]), FaultKind::none);
  for (std::size_t i = 0; i < live.size(); ++i)
    ASSERT_EQ(room->usable_size(live[i]).bytes, i % 3 == 0 ? 0 : TestFixture::told(16 * (i % 3))) << i;
}

// block | gap | block | gap | block, all three of one code: a block that grows over a gap touches one of them.
TYPED_TEST(BitmapHeapTest, ABlockThatGrowsUpToItsNeighbourTakesAnotherCode) {
  for (const auto& order : {std::array<std::size_t, 2>{0, 2}, std::array<std::size_t, 2>{2, 0}}) {
    typename TestFixture::Room room(4096);
    std::array<std::byte*, 5> at{};
    for (std::byte*& each : at) each = take(*room, 10);
    ASSERT_EQ(give(*room, at[1]), FaultKind::none);
    ASSERT_EQ(give(*room, at[3]), FaultKind::none);
    std::array<std::size_t, 5> sizes{10, 0, 10, 0, 10};
    for (const std::size_t grows : order) {
      sizes.at(grows) = 30;
      ASSERT_EQ(regrow(*room, at.at(grows), 30), at.at(grows));
      for (const std::size_t each : {std::size_t{0}, std::size_t{2}, std::size_t{4}})
        ASSERT_EQ(room->usable_size(at.at(each)).bytes, TestFixture::told(sizes.at(each))) << each;
      ASSERT_TRUE(faults_of(*room).empty());
    }
  }
}

TYPED_TEST(BitmapHeapTest, RandomBlocksKeepTheirLengthsWhateverHappensAroundThem) {
  typename TestFixture::Room room(kRoom, 512);
  std::uint64_t random = 3;
  std::vector<std::pair<std::byte*, std::size_t>> live;
  for (int round = 0; round < 3000; ++round) {
    const std::size_t size = random_below(random, 90);
    const std::size_t which = live.empty() ? 0 : random_below(random, live.size());
    const std::uint64_t what = live.empty() ? 0 : random_below(random, 3);
    if (what == 0) {
      if (std::byte* const at = take(*room, size)) live.emplace_back(at, size);
    } else if (what == 1) {
      if (std::byte* const at = regrow(*room, live[which].first, size)) live[which] = {at, size};
    } else {
      ASSERT_EQ(give(*room, live[which].first), FaultKind::none);
      std::swap(live[which], live.back());
      live.pop_back();
    }
    for (const auto& [at, bytes] : live) ASSERT_EQ(room->usable_size(at).bytes, TestFixture::told(bytes)) << round;
  }
  EXPECT_TRUE(faults_of(*room).empty());
}

TYPED_TEST(BitmapHeapTest, WalkShowsEveryRunInOrderAndStopsWhenAsked) {
  typename TestFixture::Room room(2 * 1024, 1024);
  std::byte* const one = take(*room, 10);
  std::byte* const hole = take(*room, 20);
  std::byte* const two = take(*room, 30, 16, Kind::by_new);
  ASSERT_EQ(give(*room, hole), FaultKind::none);
  const std::vector<BlockView> blocks = blocks_of(*room);
  ASSERT_EQ(blocks.size(), 5U);
  EXPECT_TRUE(blocks[0].payload == one && blocks[0].requested == TestFixture::told(10));
  EXPECT_TRUE(blocks[1].payload == hole && blocks[1].state == BlockState::free && blocks[1].requested == 0);
  EXPECT_TRUE(blocks[2].payload == two && blocks[2].state == BlockState::live && blocks[2].kind == Kind::none);
  EXPECT_TRUE(blocks[3].state == BlockState::free && blocks[4].state == BlockState::free);
  EXPECT_EQ(blocks[4].payload, room.first_unit(1));
  std::size_t served = 0;
  for (const BlockView& block : blocks) served += block.served;
  EXPECT_EQ(served, (room.units(0) + room.units(1)) * 16) << "the runs tile the pages";
  int seen = 0;
  const auto stop_at_two = [](const BlockView&, void* count) { return ++*static_cast<int*>(count) < 2; };
  EXPECT_FALSE(room->walk({stop_at_two, &seen}));
  EXPECT_EQ(seen, 2);
}

TYPED_TEST(BitmapHeapTest, FreedUnitsReadAsPoisonToTheLastByte) {
  if constexpr (TestFixture::kPolicy.poison) {
    typename TestFixture::Room room(4096);
    std::byte* const at = take(*room, 3000);
    std::memset(at, 0x44, 3000);
    ASSERT_EQ(regrow(*room, at, 1000), at);
    EXPECT_EQ(first_other(at + 1008, 2000, TestFixture::kPolicy.poison_byte), nullptr);
    ASSERT_EQ(give(*room, at), FaultKind::none);
    EXPECT_EQ(first_other(at, 3008, TestFixture::kPolicy.poison_byte), nullptr);
  } else {
    EXPECT_FALSE(TestFixture::kPolicy.canary);
  }
}

}  // namespace
}  // namespace trestle
