// Each single flipped bit of every byte that the allocator owns is reported by a full check, and none of a live payload's.
//
// What is not covered, and the tests below say so where they leave it out: the last sixteen bytes of the heap's record
// (the last fault, which is the public face's memory of one call, and what fills it up); under fast, which knows
// neither canary nor poison, the pad of live blocks and the bodies of free ones; and bytes of a free block that is not
// clean beyond the policy's poison limit.
#include "block/buffer.hpp"

namespace trestle {
namespace {

constexpr std::size_t kUnsealedTail = 16;

template <class T>
class FlipTest : public BufferHeapTest<T> {
 protected:
  static constexpr Policy kPolicy = T::kPolicy;
  using HeapType = BufferHeap<kPolicy>;

  // live | free | live | free | live, exact | free to the end: two free blocks share a bin.
  static void populate(HeapType& heap) {
    std::byte* const live = take(heap, 50);
    std::byte* const hole = take(heap, 100);
    std::byte* const wall = take(heap, 1, 16, Kind::by_new);
    std::byte* const other_hole = take(heap, 100);
    std::byte* const last = take(heap, 112, 16, Kind::by_new_array);
    ASSERT_TRUE(live != nullptr && hole != nullptr && wall != nullptr && other_hole != nullptr && last != nullptr);
    ASSERT_EQ(give(heap, hole), FaultKind::none);
    ASSERT_EQ(give(heap, other_hole), FaultKind::none);
    ASSERT_EQ(heap.counts().free_blocks, 3U);
  }

  // Per byte of the buffer: whether a flip there has to be reported.
  static std::vector<bool> owned_bytes(Buffer<kPolicy>& buffer) {
    const std::size_t record = HeapType::overhead() - kHeaderBytes;
    std::vector<bool> owned(buffer->size(), true);
    const auto release = [&](const std::byte* from, std::size_t bytes) {
      std::fill_n(owned.begin() + (from - buffer.start()), bytes, false);
    };
    release(buffer.start() + record - kUnsealedTail, kUnsealedTail);
    for (const BlockView& block : blocks_of(*buffer)) {
      const bool live = block.state == BlockState::live;
      if (live) release(block.payload, kPolicy.canary ? block.requested : block.served);
      if (!live && !kPolicy.poison) release(block.payload + kLinkBytes, block.served - kLinkBytes - kFooterBytes);
    }
    return owned;
  }

  static void expect_exactly_owned_flips_reported(Buffer<kPolicy>& buffer) {
    const std::vector<bool> owned = owned_bytes(buffer);
    ASSERT_TRUE(faults_of(*buffer).empty());
    for (std::size_t i = 0; i < buffer->size(); ++i) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        flip_bit(buffer.start() + i, bit);
        FaultSink sink;
        buffer->check(CheckLevel::full, sink);
        flip_bit(buffer.start() + i, bit);
        ASSERT_EQ(sink.count() != 0, owned[i]) << "byte " << i << " bit " << bit;
      }
    }
    EXPECT_TRUE(faults_of(*buffer).empty());
  }
};
TYPED_TEST_SUITE(FlipTest, EveryPolicy, PolicyNames);

TYPED_TEST(FlipTest, AHeapOfLiveAndFreeBlocks) {
  Buffer<TestFixture::kPolicy> buffer(Buffer<TestFixture::kPolicy>::room_for(1024));
  ASSERT_NO_FATAL_FAILURE(TestFixture::populate(*buffer));
  TestFixture::expect_exactly_owned_flips_reported(buffer);
}

TYPED_TEST(FlipTest, AHeapInZeroedMemory) {
  Buffer<TestFixture::kPolicy> buffer(Buffer<TestFixture::kPolicy>::room_for(1024), true);
  ASSERT_NO_FATAL_FAILURE(TestFixture::populate(*buffer));
  TestFixture::expect_exactly_owned_flips_reported(buffer);
}

TYPED_TEST(FlipTest, AHeapThatNothingWasTakenFrom) {
  Buffer<TestFixture::kPolicy> buffer(Buffer<TestFixture::kPolicy>::room_for(256));
  TestFixture::expect_exactly_owned_flips_reported(buffer);
}

TYPED_TEST(FlipTest, AFullHeap) {
  Buffer<TestFixture::kPolicy> buffer(Buffer<TestFixture::kPolicy>::room_for(256));
  ASSERT_NE(take(*buffer, 240 - 5), nullptr);
  ASSERT_EQ(buffer->counts().free_blocks, 0U);
  TestFixture::expect_exactly_owned_flips_reported(buffer);
}

// I6. A large block freed under a policy with a limit: the poison reaches as far as the limit, and so does the check.
TYPED_TEST(FlipTest, APoisonedBodyUpToTheLimit) {
  constexpr std::size_t kSize = 4096;
  Buffer<TestFixture::kPolicy> buffer(Buffer<TestFixture::kPolicy>::room_for(3 * kSize));
  std::byte* const hole = take(*buffer, kSize);
  ASSERT_NE(take(*buffer, 32), nullptr);
  std::memset(hole, 0xAB, kSize);
  ASSERT_EQ(give(*buffer, hole), FaultKind::none);
  const std::size_t limit =
      TestFixture::kPolicy.poison ? std::min(TestFixture::kPolicy.poison_limit, kSize - kFooterBytes) : 0;
  for (std::size_t i = kLinkBytes; i < kSize - kFooterBytes; ++i) {
    flip(hole + i);
    ASSERT_EQ(has(faults_of(*buffer), FaultKind::write_after_free, hole + i), i < limit) << i;
    flip(hole + i);
  }
}

// The quick level reads no payload: it reports every flip in the record, the headers, the links and the footers.
TYPED_TEST(FlipTest, FramesAtTheQuickLevel) {
  Buffer<TestFixture::kPolicy> buffer(Buffer<TestFixture::kPolicy>::room_for(1024));
  ASSERT_NO_FATAL_FAILURE(TestFixture::populate(*buffer));
  for (const BlockView& block : blocks_of(*buffer)) {
    auto* const at = const_cast<std::byte*>(block.payload) - kHeaderBytes;
    const bool free = block.state == BlockState::free;
    for (std::size_t i = 0; i < block.served + kHeaderBytes; ++i) {
      const bool frame = i < kHeaderBytes || (free && (i < kHeaderBytes + kLinkBytes || i >= block.served));
      for (unsigned bit = 0; bit < 8; ++bit) {
        flip_bit(at + i, bit);
        ASSERT_EQ(!faults_of(*buffer, CheckLevel::quick).empty(), frame)
            << "byte " << i << " of a block of " << block.served;
        flip_bit(at + i, bit);
      }
    }
  }
}

// A check of any bytes whatever ends, and writes none of them.
TYPED_TEST(FlipTest, RandomBytesEverywhere) {
  constexpr std::size_t kBytes = Buffer<TestFixture::kPolicy>::room_for(1024);
  std::uint64_t random = 1;
  for (int round = 0; round < 2000; ++round) {
    Buffer<TestFixture::kPolicy> buffer(kBytes);
    ASSERT_NO_FATAL_FAILURE(TestFixture::populate(*buffer));
    for (std::uint64_t writes = random_below(random, 4) + 1; writes != 0; --writes) {
      const std::uint64_t at = random_below(random, kBytes - 8);
      store_word(buffer.start() + at, split_mix(random));
    }
    const std::vector<std::byte> before(buffer.start(), buffer.start() + kBytes);
    (void)faults_of(*buffer);
    (void)blocks_of(*buffer);
    ASSERT_EQ(std::memcmp(before.data(), buffer.start(), before.size()), 0);
  }
}

}  // namespace
}  // namespace trestle
