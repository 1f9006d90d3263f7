// A BufferHeap's own size: what create and attach refuse, growth at its end, and how far it shrinks.
#include <array>

#include "block/buffer.hpp"

namespace trestle {
namespace {

template <class T>
class BufferSizeTest : public BufferHeapTest<T> {};
TYPED_TEST_SUITE(BufferSizeTest, EveryPolicy, PolicyNames);

constexpr std::size_t kRoom = 16 << 10;
constexpr std::size_t kMost = 64 << 10;

TYPED_TEST(BufferSizeTest, CreateRefusesWhatCannotBeAHeap) {
  using HeapType = BufferHeap<TestFixture::kPolicy>;
  alignas(16) static std::array<std::byte, 16384> room;
  const std::size_t least = HeapType::overhead() + kMinBlock;
  EXPECT_EQ(HeapType::create(nullptr, room.size(), 1, false), nullptr);
  EXPECT_EQ(HeapType::create(room.data() + 8, room.size() - 8, 1, false), nullptr);
  EXPECT_EQ(HeapType::create(room.data(), least - 1, 1, false), nullptr);
  EXPECT_EQ(HeapType::create(room.data(), 0, 1, false), nullptr);
  EXPECT_EQ(HeapType::create(room.data(), kMaxBlockBytes + 16, 1, false), nullptr);
  HeapType* const smallest = HeapType::create(room.data(), least + 15, 1, false);
  ASSERT_NE(smallest, nullptr);
  EXPECT_EQ(smallest->size(), least);
  TestFixture::expect_one_free_block(*smallest);
  EXPECT_NE(take(*smallest, kMinBlock - kHeaderBytes - TestFixture::kLeastPad), nullptr);
}

TYPED_TEST(BufferSizeTest, AttachFindsTheHeapAndRefusesGarbage) {
  using HeapType = BufferHeap<TestFixture::kPolicy>;
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  std::byte* const at = take(*buffer, 10);
  HeapType* const attached = HeapType::attach(buffer.start(), SIZE_MAX);
  ASSERT_EQ(attached, buffer.get());
  EXPECT_EQ(give(*attached, at), FaultKind::none);
  EXPECT_EQ(HeapType::attach(nullptr, SIZE_MAX), nullptr);
  EXPECT_EQ(HeapType::attach(buffer.start(), buffer->size()), buffer.get());
  EXPECT_EQ(HeapType::attach(buffer.start(), buffer->size() - 1), nullptr) << "a file cut short";
  EXPECT_EQ(HeapType::attach(buffer.start() + 8, SIZE_MAX), nullptr);
  EXPECT_EQ(HeapType::attach(buffer.start() + 16, SIZE_MAX), nullptr);
  for (const int garbage : {0x00, 0xFF, 0xC3}) {
    alignas(16) std::array<std::byte, 8192> bytes;
    std::memset(bytes.data(), garbage, bytes.size());
    EXPECT_EQ(HeapType::attach(bytes.data(), SIZE_MAX), nullptr) << garbage;
  }
}

// The size, the key and the seal over both.
TYPED_TEST(BufferSizeTest, AttachAndCheckRefuseEachFlippedBitOfSizeKeyAndSeal) {
  using HeapType = BufferHeap<TestFixture::kPolicy>;
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  const std::size_t record = HeapType::overhead() - kHeaderBytes;
  const auto expect_refused = [&](std::byte* word) {
    for (unsigned bit = 0; bit < 64; ++bit) {
      flip_bit(word, bit);
      EXPECT_EQ(HeapType::attach(buffer.start(), SIZE_MAX), nullptr);
      EXPECT_TRUE(has(faults_of(*buffer), FaultKind::control_corrupt, buffer.start()));
      EXPECT_TRUE(blocks_of(*buffer).empty());
      EXPECT_FALSE(buffer->grow(kMost, false));
      EXPECT_FALSE(buffer->shrink(8192));
      EXPECT_EQ(buffer->smallest_size(), 0U);
      flip_bit(word, bit);
    }
  };
  expect_refused(buffer.start());                // key
  expect_refused(buffer.start() + 8);            // key
  expect_refused(buffer.start() + record - 32);  // size
  expect_refused(buffer.start() + record - 24);  // seal
  EXPECT_EQ(HeapType::attach(buffer.start(), SIZE_MAX), buffer.get());
  EXPECT_TRUE(faults_of(*buffer).empty());
}

TYPED_TEST(BufferSizeTest, GrowsBehindALiveBlockAndBehindAFreeOne) {
  for (const bool full : {true, false}) {
    Buffer<TestFixture::kPolicy> buffer(kRoom, false, kMost);
    std::byte* const at = take(*buffer, full ? buffer->largest_free() : 1000);
    ASSERT_NE(at, nullptr);
    EXPECT_EQ(take(*buffer, kRoom), nullptr);
    EXPECT_FALSE(buffer->grow(buffer->size() + kMinBlock - 1, false)) << "less than a block";
    EXPECT_FALSE(buffer->grow(buffer->size(), false));
    ASSERT_TRUE(buffer->grow(buffer->size() + kMinBlock, false));
    ASSERT_TRUE(faults_of(*buffer).empty());
    ASSERT_TRUE(buffer->grow(kMost, false));
    EXPECT_EQ(buffer->size(), kMost);
    ASSERT_TRUE(faults_of(*buffer).empty());
    std::byte* const more = take(*buffer, kMost - kRoom - 1000);
    ASSERT_NE(more, nullptr);
    EXPECT_EQ(give(*buffer, at), FaultKind::none);
    EXPECT_EQ(give(*buffer, more), FaultKind::none);
    TestFixture::expect_one_free_block(*buffer);
  }
}

TYPED_TEST(BufferSizeTest, GrowsOverZeroedBytes) {
  Buffer<TestFixture::kPolicy> buffer(kRoom, true, kMost);
  ASSERT_NE(take(*buffer, buffer->largest_free()), nullptr);
  ASSERT_TRUE(buffer->grow(kMost, true));
  EXPECT_TRUE(faults_of(*buffer).empty());
  EXPECT_NE(take(*buffer, kMost - kRoom - 100), nullptr);
  EXPECT_TRUE(faults_of(*buffer).empty());
}

TYPED_TEST(BufferSizeTest, ShrinksDownToItsLastLiveBlockAndNoFurther) {
  Buffer<TestFixture::kPolicy> buffer(kMost);
  std::byte* const at = take(*buffer, 5000);
  std::memset(at, 0x66, 5000);
  const std::size_t smallest = buffer->smallest_size();
  EXPECT_LT(smallest, buffer->overhead() + 5200);
  EXPECT_FALSE(buffer->shrink(smallest - 16));
  EXPECT_FALSE(buffer->shrink(kMost + 16));
  EXPECT_EQ(buffer->size(), kMost);
  ASSERT_TRUE(buffer->shrink(kRoom));
  EXPECT_EQ(buffer->size(), kRoom);
  ASSERT_TRUE(faults_of(*buffer).empty());
  ASSERT_TRUE(buffer->shrink(smallest));
  EXPECT_EQ(buffer->size(), smallest);
  EXPECT_EQ(buffer->counts().free_blocks, 0U);
  ASSERT_TRUE(faults_of(*buffer).empty());
  EXPECT_EQ(first_other(at, 5000, 0x66), nullptr);
  ASSERT_TRUE(buffer->grow(kMost, false));
  EXPECT_EQ(give(*buffer, at), FaultKind::none);
  TestFixture::expect_one_free_block(*buffer);
}

TYPED_TEST(BufferSizeTest, AnEmptyHeapShrinksToTheLeastThatCreateTakes) {
  Buffer<TestFixture::kPolicy> buffer(kMost);
  EXPECT_EQ(buffer->smallest_size(), buffer->overhead() + kMinBlock);
  ASSERT_TRUE(buffer->shrink(buffer->smallest_size()));
  TestFixture::expect_one_free_block(*buffer);
}

// A buffer that was cut short and lengthened again: nothing of its former blocks is left to be found.
TYPED_TEST(BufferSizeTest, ManyShrinksAndGrowthsLeaveASoundHeap) {
  Buffer<TestFixture::kPolicy> buffer(kMost);
  std::uint64_t random = 5;
  std::vector<std::byte*> live;
  for (int round = 0; round < 500; ++round) {
    if (std::byte* const at = take(*buffer, random_below(random, 3000))) live.push_back(at);
    if (!live.empty() && random_below(random, 2) == 0) {
      std::swap(live[random_below(random, live.size())], live.back());
      ASSERT_EQ(give(*buffer, live.back()), FaultKind::none);
      live.pop_back();
    }
    const std::size_t smallest = buffer->smallest_size();
    const std::size_t wanted = smallest + random_below(random, kMost - smallest + 1);
    if (wanted <= buffer->size()) {
      ASSERT_TRUE(buffer->shrink(wanted)) << round;
      ASSERT_LE(buffer->size(), wanted);
    } else {
      const bool is_enough = align_down(wanted, kMinAlignment) >= buffer->size() + kMinBlock;
      ASSERT_EQ(buffer->grow(wanted, false), is_enough) << round;
    }
    ASSERT_TRUE(faults_of(*buffer).empty()) << round;
  }
}

}  // namespace
}  // namespace trestle
