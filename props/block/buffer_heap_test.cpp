// BufferHeap serves, resizes in place, coalesces, grows and shrinks; whatever happened, it comes back to one free block.
#include <array>

#include "block/buffer.hpp"
#include "os/os.hpp"

namespace trestle {
namespace {

TYPED_TEST_SUITE(BufferHeapTest, EveryPolicy, PolicyNames);

constexpr std::size_t kRoom = 64 << 10;

TYPED_TEST(BufferHeapTest, ServesEverySizeAtEveryAlignmentUpToAnOsPage) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  for (std::size_t alignment = kMinAlignment; alignment <= kOsPage; alignment *= 2) {
    for (const std::size_t size :
         std::initializer_list<std::size_t>{0, 1, 15, 16, 17, 48, 49, 100, 1000, 1024, 1025, 4096, 9999}) {
      std::byte* const at = take(*buffer, size, alignment);
      ASSERT_NE(at, nullptr) << size << " at " << alignment;
      EXPECT_TRUE(is_aligned(at, alignment));
      EXPECT_TRUE(at >= buffer.start() && at + size <= buffer.end());
      EXPECT_EQ(buffer->usable_size(at).bytes, size);
      std::memset(at, 0xEE, size);
      ASSERT_TRUE(faults_of(*buffer).empty()) << size << " at " << alignment;
      ASSERT_EQ(give(*buffer, at, {.size = size, .alignment = alignment}), FaultKind::none);
      TestFixture::expect_one_free_block(*buffer);
    }
  }
}

TYPED_TEST(BufferHeapTest, ManyAlignmentsTogetherDoNotOverlap) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  std::vector<std::pair<std::byte*, std::size_t>> live;
  for (std::size_t alignment = kOsPage; alignment >= kMinAlignment; alignment /= 2) {
    const std::size_t size = alignment / 2 + 3;
    std::byte* const at = take(*buffer, size, alignment);
    ASSERT_NE(at, nullptr) << alignment;
    std::memset(at, static_cast<int>(live.size() + 1), size);
    live.emplace_back(at, size);
  }
  ASSERT_TRUE(faults_of(*buffer).empty());
  for (std::size_t i = 0; i < live.size(); ++i) {
    EXPECT_EQ(first_other(live[i].first, live[i].second, static_cast<std::uint8_t>(i + 1)), nullptr);
    EXPECT_EQ(give(*buffer, live[i].first), FaultKind::none);
  }
  TestFixture::expect_one_free_block(*buffer);
}

TYPED_TEST(BufferHeapTest, NoBytesStillHaveAnAddressOfTheirOwn) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  std::byte* const one = take(*buffer, 0);
  std::byte* const other = take(*buffer, 0);
  EXPECT_TRUE(one != nullptr && other != nullptr && one != other);
  EXPECT_EQ(buffer->usable_size(one).bytes, 0U);
  EXPECT_EQ(give(*buffer, nullptr), FaultKind::none);
  EXPECT_EQ(buffer->usable_size(nullptr).bytes, 0U);
}

TYPED_TEST(BufferHeapTest, FillsUpRefusesAndEmptiesAgain) {
  for (const std::size_t size : std::initializer_list<std::size_t>{1, 48, 100, 1000}) {
    Buffer<TestFixture::kPolicy> buffer(kRoom);
    std::vector<std::byte*> live;
    while (std::byte* const at = take(*buffer, size)) live.push_back(at);
    const std::size_t block =
        std::max(kMinBlock, align_up(size + TestFixture::kLeastPad + kHeaderBytes, kMinAlignment));
    EXPECT_EQ(live.size(), (kRoom - BufferHeap<TestFixture::kPolicy>::overhead()) / block)
        << "no byte beyond the headers is lost";
    EXPECT_FALSE(buffer->allocate(size, kMinAlignment, Kind::by_malloc).is_fault()) << "full is no fault";
    ASSERT_TRUE(faults_of(*buffer).empty());
    for (std::size_t i = 0; i < live.size(); i += 2) ASSERT_EQ(give(*buffer, live[i]), FaultKind::none);
    ASSERT_TRUE(faults_of(*buffer).empty());
    for (std::size_t i = 1; i < live.size(); i += 2) ASSERT_EQ(give(*buffer, live[i]), FaultKind::none);
    TestFixture::expect_one_free_block(*buffer);
  }
}

TYPED_TEST(BufferHeapTest, TheWholeHeapCanBeOneBlock) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  const std::size_t largest = buffer->largest_free();
  EXPECT_EQ(largest, kRoom - buffer->overhead() - kHeaderBytes - TestFixture::kLeastPad);
  EXPECT_EQ(take(*buffer, largest + 1), nullptr);
  std::byte* const all = take(*buffer, largest);
  ASSERT_NE(all, nullptr);
  EXPECT_EQ(buffer->largest_free(), 0U);
  EXPECT_EQ(give(*buffer, all), FaultKind::none);
  TestFixture::expect_one_free_block(*buffer);
}

TYPED_TEST(BufferHeapTest, RefusesSizesThatNothingCouldHold) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  for (const std::size_t size : {kRoom, std::size_t{1} << 40, std::size_t{PTRDIFF_MAX}, SIZE_MAX - 16, SIZE_MAX}) {
    const Allocation refused = buffer->allocate(size, kMinAlignment, Kind::by_malloc);
    EXPECT_TRUE(refused.payload == nullptr && !refused.is_fault()) << size;
  }
  EXPECT_EQ(take(*buffer, 1, std::size_t{1} << 63), nullptr);
  TestFixture::expect_one_free_block(*buffer);
}

// Three neighbours and a wall, freed in all six orders: left, right, both and neither get coalesced.
TYPED_TEST(BufferHeapTest, CoalescesInEveryOrder) {
  std::array<int, 3> order{0, 1, 2};
  do {
    Buffer<TestFixture::kPolicy> buffer(kRoom);
    std::array<std::byte*, 3> three{};
    for (std::byte*& at : three) at = take(*buffer, 200);
    std::byte* const wall = take(*buffer, 200);
    std::size_t freed = 0;
    for (const int i : order) {
      ASSERT_EQ(give(*buffer, three[static_cast<std::size_t>(i)]), FaultKind::none);
      ++freed;
      ASSERT_TRUE(faults_of(*buffer).empty());
      const bool apart = freed == 2 && (order[0] + order[1]) == 2;
      ASSERT_EQ(buffer->counts().free_blocks, apart ? 3U : 2U);
    }
    EXPECT_EQ(blocks_of(*buffer).front().served, std::size_t{3} * 224 - kHeaderBytes) << "the three are one";
    ASSERT_EQ(give(*buffer, wall), FaultKind::none);
    TestFixture::expect_one_free_block(*buffer);
  } while (std::next_permutation(order.begin(), order.end()));
}

TYPED_TEST(BufferHeapTest, GrowsAndShrinksInPlaceWhileThereIsRoom) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  std::byte* const at = take(*buffer, 100);
  std::memset(at, 0x11, 100);
  std::size_t kept = 100;
  for (const std::size_t size :
       std::initializer_list<std::size_t>{101, 112, 113, 500, 5000, 5001, 40000, 39999, 5000, 64, 63, 1, 0, 2000}) {
    ASSERT_EQ(regrow(*buffer, at, size), at) << "to " << size;
    kept = std::min<std::size_t>(kept, size);
    ASSERT_EQ(first_other(at, kept, 0x11), nullptr) << "to " << size;
    ASSERT_EQ(buffer->usable_size(at).bytes, size);
    ASSERT_TRUE(faults_of(*buffer).empty()) << "to " << size;
    EXPECT_EQ(buffer->counts().live_bytes, size);
  }
  ASSERT_EQ(give(*buffer, at, {.size = 2000}), FaultKind::none);
  TestFixture::expect_one_free_block(*buffer);
}

TYPED_TEST(BufferHeapTest, MovesWithItsContentsAndKindWhenItsNeighbourIsLive) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  std::byte* const at = take(*buffer, 100, 16, Kind::by_new);
  std::byte* const wall = take(*buffer, 100);
  std::memset(at, 0x22, 100);
  std::byte* const moved = regrow(*buffer, at, 3000);
  ASSERT_TRUE(moved != nullptr && moved != at);
  EXPECT_EQ(first_other(moved, 100, 0x22), nullptr);
  EXPECT_EQ(buffer->usable_size(moved).bytes, 3000U);
  ASSERT_TRUE(faults_of(*buffer).empty());
  EXPECT_EQ(give(*buffer, moved, {.kind = Kind::by_new, .size = 3000}), FaultKind::none);
  EXPECT_EQ(give(*buffer, wall), FaultKind::none);
  TestFixture::expect_one_free_block(*buffer);
}

TYPED_TEST(BufferHeapTest, StaysWhereItIsWhenItNeedsAllOfItsBlock) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  std::byte* const at = take(*buffer, 100);
  ASSERT_NE(take(*buffer, 100), nullptr) << "a wall";
  EXPECT_EQ(regrow(*buffer, at, 100), at);
  EXPECT_TRUE(faults_of(*buffer).empty());
}

TYPED_TEST(BufferHeapTest, ARefusedReallocationKeepsTheOldBlock) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  std::byte* const at = take(*buffer, 100);
  std::memset(at, 0x33, 100);
  for (const std::size_t size : {kRoom, std::size_t{PTRDIFF_MAX}, SIZE_MAX}) {
    const Allocation refused = buffer->reallocate(at, size);
    EXPECT_TRUE(refused.payload == nullptr && !refused.is_fault());
    EXPECT_EQ(buffer->usable_size(at).bytes, 100U);
    EXPECT_EQ(first_other(at, 100, 0x33), nullptr);
  }
  EXPECT_TRUE(faults_of(*buffer).empty());
  EXPECT_NE(regrow(*buffer, nullptr, 10), nullptr);
}

TYPED_TEST(BufferHeapTest, WalkShowsEveryBlockInOrderAndStopsWhenAsked) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  std::byte* const one = take(*buffer, 10, 16, Kind::by_new);
  std::byte* const hole = take(*buffer, 20);
  std::byte* const two = take(*buffer, 30, 16, Kind::by_new_array);
  ASSERT_EQ(give(*buffer, hole), FaultKind::none);
  const std::vector<BlockView> blocks = blocks_of(*buffer);
  ASSERT_EQ(blocks.size(), 4U);
  EXPECT_TRUE(blocks[0].payload == one && blocks[0].requested == 10 && blocks[0].kind == Kind::by_new);
  EXPECT_TRUE(blocks[1].payload == hole && blocks[1].state == BlockState::free && blocks[1].requested == 0);
  EXPECT_TRUE(blocks[2].payload == two && blocks[2].state == BlockState::live && blocks[2].kind == Kind::by_new_array);
  EXPECT_EQ(blocks[3].state, BlockState::free);
  std::size_t served = 0;
  for (const BlockView& block : blocks) served += block.served + kHeaderBytes;
  EXPECT_EQ(served, kRoom - buffer->overhead()) << "the blocks tile the heap";
  int seen = 0;
  const auto stop_at_two = [](const BlockView&, void* count) { return ++*static_cast<int*>(count) < 2; };
  EXPECT_FALSE(buffer->walk({stop_at_two, &seen}));
  EXPECT_EQ(seen, 2);
}

TYPED_TEST(BufferHeapTest, FreedMemoryReadsAsPoisonUpToThePolicysLimit) {
  if constexpr (TestFixture::kPolicy.poison) {
    Buffer<TestFixture::kPolicy> buffer(kRoom);
    std::byte* const at = take(*buffer, 3000);
    ASSERT_NE(take(*buffer, 1), nullptr);
    std::memset(at, 0x44, 3000);
    ASSERT_EQ(give(*buffer, at), FaultKind::none);
    const std::size_t known = std::min(TestFixture::kPolicy.poison_limit, 3000 - kFooterBytes);
    EXPECT_EQ(first_other(at + kLinkBytes, known - kLinkBytes, TestFixture::kPolicy.poison_byte), nullptr);
  } else {
    EXPECT_EQ(TestFixture::kPolicy.poison_limit, 0U);
  }
}

}  // namespace
}  // namespace trestle
