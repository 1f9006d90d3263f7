// A BitmapHeap's own size: what create and attach refuse, pages at its end, and a buffer that is mapped elsewhere.
#include <array>

#include "slab/units.hpp"

namespace trestle {
namespace {

template <class T>
class BitmapSizeTest : public UnitsTest<T> {};
TYPED_TEST_SUITE(BitmapSizeTest, EveryPolicy, PolicyNames);

constexpr std::size_t kRoom = 16 << 10;
constexpr std::size_t kMost = 64 << 10;

TYPED_TEST(BitmapSizeTest, CreateRefusesWhatCannotBeAHeap) {
  using HeapType = BitmapHeap<TestFixture::kPolicy>;
  alignas(16) static std::array<std::byte, 16384> room;
  EXPECT_EQ(HeapType::create(nullptr, room.size(), 1, 256, false), nullptr);
  EXPECT_EQ(HeapType::create(room.data() + 8, room.size() - 8, 1, 256, false), nullptr);
  EXPECT_EQ(HeapType::create(room.data(), 0, 1, 256, false), nullptr);
  for (const std::size_t page : std::initializer_list<std::size_t>{0, 1, 16, 128, 255, 257, 300, 768, 8192, SIZE_MAX})
    EXPECT_EQ(HeapType::create(room.data(), room.size(), 1, page, false), nullptr) << page;
  EXPECT_EQ(HeapType::create(room.data(), (std::size_t{1} << 32) * 256, 1, 256, false), nullptr)
      << "more pages than counted";
  EXPECT_EQ(HeapType::create(room.data(), SIZE_MAX, 1, 4096, false), nullptr);
  for (const std::size_t page : kPageSizes) {
    EXPECT_EQ(HeapType::create(room.data(), page - 1, 1, page, false), nullptr);
    HeapType* const smallest = HeapType::create(room.data(), 2 * page - 1, 1, page, false);
    ASSERT_NE(smallest, nullptr);
    EXPECT_EQ(smallest->size(), page) << "whole pages";
    EXPECT_EQ(smallest->page_bytes(), page);
    EXPECT_NE(take(*smallest, 100), nullptr);
    EXPECT_TRUE(faults_of(*smallest).empty());
  }
}

TYPED_TEST(BitmapSizeTest, CreateWritesNothingBehindItsLastWholePage) {
  for (const bool zeroed : {false, true}) {
    typename TestFixture::Room room(3 * 512 + 511, 512, zeroed);
    EXPECT_EQ(room->size(), std::size_t{3} * 512);
    EXPECT_EQ(first_other(room.end(), 511, zeroed ? 0 : 0xC3), nullptr);
    while (take(*room, 100) != nullptr) continue;
    EXPECT_EQ(first_other(room.end(), 511, zeroed ? 0 : 0xC3), nullptr);
    EXPECT_TRUE(faults_of(*room).empty());
  }
}

TYPED_TEST(BitmapSizeTest, AttachFindsTheHeapAndRefusesGarbage) {
  using HeapType = BitmapHeap<TestFixture::kPolicy>;
  typename TestFixture::Room room(kRoom);
  std::byte* const at = take(*room, 10);
  HeapType* const attached = HeapType::attach(room.start(), SIZE_MAX);
  ASSERT_EQ(attached, room.get());
  EXPECT_EQ(give(*attached, at), FaultKind::none);
  EXPECT_EQ(HeapType::attach(nullptr, SIZE_MAX), nullptr);
  EXPECT_EQ(HeapType::attach(room.start(), room->size()), room.get());
  EXPECT_EQ(HeapType::attach(room.start(), room->size() - 1), nullptr) << "a file cut short";
  EXPECT_EQ(HeapType::attach(room.start(), 47), nullptr) << "not even the record";
  EXPECT_EQ(HeapType::attach(room.start() + 8, SIZE_MAX), nullptr);
  EXPECT_EQ(HeapType::attach(room.start() + 16, SIZE_MAX), nullptr);
  for (const int garbage : {0x00, 0xFF, 0xC3}) {
    alignas(16) std::array<std::byte, 8192> bytes;
    std::memset(bytes.data(), garbage, bytes.size());
    EXPECT_EQ(HeapType::attach(bytes.data(), SIZE_MAX), nullptr) << garbage;
  }
}

TYPED_TEST(BitmapSizeTest, ABufferThatIsMappedElsewhereGoesOn) {
  using HeapType = BitmapHeap<TestFixture::kPolicy>;
  typename TestFixture::Room room(4096, 512);
  std::vector<std::byte*> live;
  for (std::size_t i = 0; i < 60; ++i) live.push_back(take(*room, i));
  for (std::size_t i = 0; i < live.size(); i += 2) ASSERT_EQ(give(*room, live[i]), FaultKind::none);
  alignas(4096) static std::array<std::byte, 4096 + 16> elsewhere;
  std::memcpy(elsewhere.data() + 16, room.start(), room->size());
  std::memset(room.start(), 0xEE, room->size());
  HeapType* const moved = HeapType::attach(elsewhere.data() + 16, 4096);
  ASSERT_NE(moved, nullptr);
  EXPECT_TRUE(faults_of(*moved).empty());
  for (std::size_t i = 1; i < live.size(); i += 2) {
    std::byte* const at = elsewhere.data() + 16 + (live[i] - room.start());
    ASSERT_EQ(moved->usable_size(at).bytes, TestFixture::told(i));
    ASSERT_EQ(give(*moved, at), FaultKind::none);
  }
  for (const BlockView& block : blocks_of(*moved)) EXPECT_EQ(block.state, BlockState::free);
  EXPECT_TRUE(faults_of(*moved).empty());
}

// Key, size, page size and first open page, and the seal over them: whatever is wrong there, nobody goes by the rest.
TYPED_TEST(BitmapSizeTest, EveryCallRefusesEachFlippedBitOfTheRecord) {
  using HeapType = BitmapHeap<TestFixture::kPolicy>;
  typename TestFixture::Room room(kRoom, 1024);
  std::byte* const at = take(*room, 100);
  constexpr std::size_t kUnsealed = 8;  // the last fault, the public face's memory of one call
  for (unsigned bit = 0; bit < 8 * (HeapType::kRecordBytes - kUnsealed); ++bit) {
    flip_bit(room.start(), bit);
    const std::vector<std::byte> before(room.start(), room.start() + kRoom);
    EXPECT_EQ(HeapType::attach(room.start(), SIZE_MAX), nullptr);
    EXPECT_TRUE(has(faults_of(*room), FaultKind::control_corrupt, room.start()));
    EXPECT_TRUE(has(faults_of(*room, CheckLevel::quick), FaultKind::control_corrupt, room.start()));
    EXPECT_TRUE(blocks_of(*room).empty());
    EXPECT_FALSE(room->grow(kMost, false));
    EXPECT_FALSE(room->shrink(2048));
    EXPECT_EQ(room->smallest_size(), 0U);
    EXPECT_EQ(room->allocate(1, 16, Kind::by_malloc).kind, FaultKind::control_corrupt);
    EXPECT_EQ(room->reallocate(at, 1).kind, FaultKind::control_corrupt);
    EXPECT_EQ(room->usable_size(at).kind, FaultKind::control_corrupt);
    EXPECT_EQ(room->deallocate(at, kFromMalloc).kind, FaultKind::control_corrupt);
    ASSERT_EQ(std::memcmp(before.data(), room.start(), kRoom), 0) << bit;
    flip_bit(room.start(), bit);
  }
  EXPECT_EQ(give(*room, at), FaultKind::none);
  ASSERT_NO_FATAL_FAILURE(room.expect_empty());
}

TYPED_TEST(BitmapSizeTest, GrowsByWholePages) {
  for (const std::size_t page : kPageSizes) {
    for (const bool full : {true, false}) {
      typename TestFixture::Room room(2 * page, page, false, kMost);
      if (full) {
        while (take(*room, 1) != nullptr) continue;
      }
      EXPECT_FALSE(room->grow(0, false));
      EXPECT_FALSE(room->grow(2 * page, false));
      EXPECT_FALSE(room->grow(3 * page - 1, false)) << "less than a page more";
      EXPECT_FALSE(room->grow(SIZE_MAX, false)) << "more pages than counted";
      EXPECT_EQ(room->size(), 2 * page);
      ASSERT_TRUE(room->grow(4 * page - 1, false));
      EXPECT_EQ(room->size(), 3 * page);
      EXPECT_EQ(first_other(room.end(), page - 1, 0xC3), nullptr) << "no byte behind it is written";
      ASSERT_TRUE(faults_of(*room).empty());
      EXPECT_EQ(take(*room, full ? 1 : room->largest_request()), room.first_unit(full ? 2 : 1));
      ASSERT_TRUE(faults_of(*room).empty());
    }
  }
}

TYPED_TEST(BitmapSizeTest, GrowsOverZeroedBytesAndOverWhatIsOnlySaidToBe) {
  for (const bool zeroed : {true, false}) {
    typename TestFixture::Room room(kRoom, 1024, zeroed, kMost);
    while (take(*room, 500) != nullptr) continue;
    ASSERT_TRUE(room->grow(kMost, true));
    EXPECT_TRUE(faults_of(*room).empty()) << zeroed;
    EXPECT_NE(take(*room, 900), nullptr);
  }
}

TYPED_TEST(BitmapSizeTest, ShrinksDownToItsLastLivePageAndNoFurther) {
  typename TestFixture::Room room(kRoom, 1024);
  std::vector<std::byte*> live;
  while (std::byte* const at = take(*room, 900)) live.push_back(at);
  EXPECT_EQ(room->smallest_size(), kRoom);
  EXPECT_FALSE(room->shrink(kRoom - 1));
  for (std::size_t i = 4; i < live.size(); ++i) ASSERT_EQ(give(*room, live[i]), FaultKind::none);
  const std::size_t smallest = room->smallest_size();
  EXPECT_EQ(smallest, align_up(static_cast<std::size_t>(live[3] + 1 - room.start()), 1024));
  EXPECT_FALSE(room->shrink(smallest - 1));
  EXPECT_FALSE(room->shrink(kRoom + 1024));
  EXPECT_EQ(room->size(), kRoom);
  ASSERT_TRUE(room->shrink(kRoom));
  EXPECT_EQ(room->size(), kRoom);
  ASSERT_TRUE(room->shrink(smallest + 1023));
  EXPECT_EQ(room->size(), smallest);
  ASSERT_TRUE(faults_of(*room).empty());
  EXPECT_EQ(take(*room, 900), nullptr);
  ASSERT_TRUE(room->grow(kRoom, false));
  EXPECT_NE(take(*room, 900), nullptr);
  ASSERT_TRUE(faults_of(*room).empty());
}

// No page is open in a full heap; one that was lengthened, or whose last pages went, is looked into again.
TYPED_TEST(BitmapSizeTest, AFullHeapServesAgainOnceItHasGrown) {
  typename TestFixture::Room room(1024, 256, false, kMost);
  std::vector<std::byte*> live;
  while (std::byte* const at = take(*room, 10)) live.push_back(at);
  EXPECT_EQ(take(*room, 0), nullptr);
  ASSERT_TRUE(room->grow(2048, false));
  EXPECT_EQ(take(*room, 10), room.first_unit(4));
  ASSERT_EQ(give(*room, room.first_unit(4)), FaultKind::none);
  ASSERT_TRUE(room->shrink(1024));
  EXPECT_EQ(take(*room, 10), nullptr);
  ASSERT_TRUE(room->grow(1280, false));
  EXPECT_EQ(take(*room, 10), room.first_unit(4));
  ASSERT_EQ(give(*room, live[3]), FaultKind::none);
  EXPECT_EQ(take(*room, 10), live[3]);
  EXPECT_TRUE(faults_of(*room).empty());
}

TYPED_TEST(BitmapSizeTest, AnEmptyHeapShrinksToOnePage) {
  for (const std::size_t page : kPageSizes) {
    typename TestFixture::Room room(kMost, page);
    EXPECT_EQ(room->smallest_size(), page);
    EXPECT_FALSE(room->shrink(page - 1));
    ASSERT_TRUE(room->shrink(page));
    ASSERT_NO_FATAL_FAILURE(room.expect_empty());
  }
}

TYPED_TEST(BitmapSizeTest, ManyShrinksAndGrowthsLeaveASoundHeap) {
  typename TestFixture::Room room(kMost, 1024);
  std::uint64_t random = 5;
  std::vector<std::byte*> live;
  for (int round = 0; round < 500; ++round) {
    if (std::byte* const at = take(*room, random_below(random, 900))) live.push_back(at);
    if (!live.empty() && random_below(random, 2) == 0) {
      std::swap(live[random_below(random, live.size())], live.back());
      ASSERT_EQ(give(*room, live.back()), FaultKind::none);
      live.pop_back();
    }
    const std::size_t smallest = room->smallest_size();
    const std::size_t wanted = smallest + random_below(random, kMost - smallest + 1);
    const std::size_t pages = align_down(wanted, 1024);
    const bool resized = wanted <= room->size() ? room->shrink(wanted) : room->grow(wanted, false);
    ASSERT_TRUE(resized || pages == room->size()) << round;
    ASSERT_EQ(room->size(), pages);
    ASSERT_TRUE(faults_of(*room).empty()) << round;
  }
}

}  // namespace
}  // namespace trestle
