// Misuse and corruption of a BufferHeap: which fault each is, at which address, and that a refused call changes nothing.
#include "block/buffer.hpp"
#include "child.hpp"

namespace trestle {
namespace {

template <class T>
class BufferFaultTest : public BufferHeapTest<T> {
 protected:
  static constexpr Policy kPolicy = T::kPolicy;
};
template <class T>
class CheckedFaultTest : public BufferFaultTest<T> {};
TYPED_TEST_SUITE(BufferFaultTest, EveryPolicy, PolicyNames);
TYPED_TEST_SUITE(CheckedFaultTest, CheckedPolicies, PolicyNames);

constexpr std::size_t kRoom = 16 << 10;

TYPED_TEST(BufferFaultTest, ADoubleFree) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  std::byte* const at = take(*buffer, 100);
  ASSERT_NE(take(*buffer, 100), nullptr);
  ASSERT_EQ(give(*buffer, at), FaultKind::none);
  EXPECT_EQ(give(*buffer, at), FaultKind::double_free);
  EXPECT_EQ(buffer->deallocate(at, kFromMalloc).at, at);
  EXPECT_TRUE(faults_of(*buffer).empty());
}

TYPED_TEST(BufferFaultTest, ADoubleFreeOfABlockThatWasCoalesced) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  std::byte* const left = take(*buffer, 100);
  std::byte* const at = take(*buffer, 100);
  std::byte* const right = take(*buffer, 100);
  for (std::byte* const each : {left, right, at}) ASSERT_EQ(give(*buffer, each), FaultKind::none);
  for (std::byte* const each : {left, right, at}) EXPECT_EQ(give(*buffer, each), FaultKind::double_free);
  EXPECT_TRUE(buffer->reallocate(at, 10).is_fault());
  EXPECT_TRUE(buffer->usable_size(at).is_fault());
  TestFixture::expect_one_free_block(*buffer);
}

TYPED_TEST(BufferFaultTest, EveryInteriorPointer) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  std::byte* const at = take(*buffer, 200);
  ASSERT_NE(take(*buffer, 10), nullptr);
  std::memset(at, 0, 200);
  for (std::size_t i = 1; i < 200; ++i) ASSERT_EQ(give(*buffer, at + i), FaultKind::interior_pointer) << i;
  EXPECT_EQ(buffer->reallocate(at + 16, 10).kind, FaultKind::interior_pointer);
  EXPECT_EQ(buffer->usable_size(at + 16).kind, FaultKind::interior_pointer);
  EXPECT_EQ(give(*buffer, at), FaultKind::none);
}

// A payload may hold anything, a copy of a live header too: it is no block at another place.
TYPED_TEST(BufferFaultTest, ACopiedHeaderIsNoBlock) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  std::byte* const at = take(*buffer, 200);
  ASSERT_NE(take(*buffer, 10), nullptr);
  for (std::size_t i = 16; i <= 176; i += 16) {
    std::memcpy(at + i - kHeaderBytes, at - kHeaderBytes, kHeaderBytes);
    ASSERT_EQ(give(*buffer, at + i), FaultKind::interior_pointer) << i;
  }
}

TYPED_TEST(BufferFaultTest, WildPointersAndPointersToNoBlock) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  ASSERT_NE(take(*buffer, 200), nullptr);
  int local = 0;
  EXPECT_EQ(give(*buffer, &local), FaultKind::wild_pointer);
  EXPECT_EQ(give(*buffer, reinterpret_cast<void*>(std::uintptr_t{16})), FaultKind::wild_pointer);
  EXPECT_EQ(give(*buffer, reinterpret_cast<void*>(~std::uintptr_t{15})), FaultKind::wild_pointer);
  EXPECT_EQ(give(*buffer, buffer.start() + 64), FaultKind::wild_pointer) << "the record is no block's place";
  EXPECT_EQ(give(*buffer, buffer.end() + 64), FaultKind::wild_pointer);
  EXPECT_EQ(give(*buffer, buffer.start() + buffer->overhead() - kHeaderBytes), FaultKind::not_a_block)
      << "before any payload";
  EXPECT_EQ(give(*buffer, buffer.end()), FaultKind::not_a_block) << "behind the end header";
  EXPECT_TRUE(faults_of(*buffer).empty());
}

TYPED_TEST(CheckedFaultTest, AClaimedSizeAlignmentOrKindThatIsNotTheBlocks) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  std::byte* const at = take(*buffer, 100, 64, Kind::by_new);
  EXPECT_EQ(give(*buffer, at, {.kind = Kind::by_malloc}), FaultKind::kind_mismatch);
  EXPECT_EQ(give(*buffer, at, {.kind = Kind::by_new_array}), FaultKind::kind_mismatch);
  EXPECT_EQ(give(*buffer, at, {.kind = Kind::by_new, .size = 99}), FaultKind::size_mismatch);
  EXPECT_EQ(give(*buffer, at, {.kind = Kind::by_new, .size = 0}), FaultKind::size_mismatch);
  EXPECT_EQ(give(*buffer, at, {.kind = Kind::by_new, .alignment = std::size_t{1} << 20}),
            FaultKind::alignment_mismatch);
  EXPECT_EQ(give(*buffer, at, {.kind = Kind::by_new, .size = 100, .alignment = 64}), FaultKind::none);
}

// One byte too many, whatever the request: found where it was written, by check, by free and by realloc.
TYPED_TEST(CheckedFaultTest, EachByteWrittenPastTheEndOfEachSize) {
  for (std::size_t size = 0; size < 130; ++size) {
    Buffer<TestFixture::kPolicy> buffer(kRoom);
    std::byte* const at = take(*buffer, size);
    const std::size_t served = blocks_of(*buffer).front().served;
    for (std::size_t i = size; i < served; ++i) {
      flip(at + i);
      const std::vector<Fault> faults = faults_of(*buffer);
      ASSERT_EQ(faults.size(), 1U) << size;
      EXPECT_TRUE(has(faults, FaultKind::write_past_end, at + i)) << size;
      EXPECT_TRUE(faults[0].block == at && faults[0].requested == size && faults[0].served == served);
      EXPECT_NE(faults[0].expected, faults[0].found);
      const Verdict freed = buffer->deallocate(at, kFromMalloc);
      EXPECT_TRUE(freed.kind == FaultKind::write_past_end && freed.at == at + i) << size;
      const Allocation resized = buffer->reallocate(at, size + 1);
      EXPECT_TRUE(resized.kind == FaultKind::write_past_end && resized.payload == at + i) << size;
      flip(at + i);
    }
    ASSERT_EQ(give(*buffer, at), FaultKind::none);
  }
}

TYPED_TEST(BufferFaultTest, AStringOneTooLongIntoTheNextHeader) {
  Buffer<TestFixture::kPolicy> buffer(kRoom);
  std::byte* const at = take(*buffer, 112);
  std::byte* const next = take(*buffer, 112);
  std::byte* const header = next - kHeaderBytes;
  ASSERT_EQ(header, at + (TestFixture::kPolicy.canary ? 128 : 112)) << "where there are canaries each block has one";
  const std::byte kept = *header;
  *header = ~kept;
  EXPECT_TRUE(has(faults_of(*buffer), FaultKind::header_corrupt, next - kHeaderBytes));
  EXPECT_EQ(give(*buffer, next), FaultKind::header_corrupt);
  EXPECT_EQ(give(*buffer, at), FaultKind::header_corrupt) << "its right neighbour cannot be coalesced with";
  *header = kept;
  EXPECT_EQ(give(*buffer, at), FaultKind::none);
  EXPECT_EQ(give(*buffer, next), FaultKind::none);
}

// I6, of a free block.
TYPED_TEST(CheckedFaultTest, AWriteAfterFreeIsFoundByCheckAndBeforeReuse) {
  for (std::size_t i = kLinkBytes; i < 200; ++i) {
    Buffer<TestFixture::kPolicy> buffer(kRoom);
    std::byte* const at = take(*buffer, 240);
    ASSERT_NE(take(*buffer, buffer->largest_free()), nullptr);
    ASSERT_EQ(give(*buffer, at), FaultKind::none);
    flip(at + i);
    EXPECT_TRUE(has(faults_of(*buffer), FaultKind::write_after_free, at + i)) << i;
    const Allocation reused = buffer->allocate(230, kMinAlignment, Kind::by_malloc);
    EXPECT_EQ(reused.kind, FaultKind::write_after_free) << i;
    EXPECT_EQ(reused.payload, at + i);
  }
}

TYPED_TEST(BufferFaultTest, ACorruptFreeBlockIsNotHandedOut) {
  for (unsigned bit = 0; bit < 128; ++bit) {
    Buffer<TestFixture::kPolicy> buffer(kRoom);
    std::byte* const at = take(*buffer, 240 - TestFixture::kLeastPad);
    ASSERT_NE(take(*buffer, buffer->largest_free()), nullptr);
    ASSERT_EQ(give(*buffer, at), FaultKind::none);
    const struct {
      std::byte* where;
      FaultKind kind;
    } parts[] = {{at - kHeaderBytes, FaultKind::header_corrupt},
                 {at, FaultKind::free_link_corrupt},
                 {at + 240 - kFooterBytes, FaultKind::footer_corrupt}};
    for (const auto& part : parts) {
      flip_bit(part.where, bit);
      EXPECT_EQ(buffer->allocate(230, kMinAlignment, Kind::by_malloc).kind, part.kind) << bit;
      EXPECT_TRUE(has(faults_of(*buffer), part.kind)) << bit;
      flip_bit(part.where, bit);
    }
    EXPECT_NE(take(*buffer, 230), nullptr);
  }
}

// Three live blocks and three free ones, put back as it was before each byte that is made wrong.
template <Policy P>
class WrongByte {
 public:
  static constexpr std::size_t kBytes = Buffer<P>::room_for(1024);

  WrongByte() : buffer_(kBytes) {
    for (const std::size_t size : std::initializer_list<std::size_t>{50, 100, 10, 100, 112})
      live_.push_back(take(*buffer_, size));
    for (const std::size_t freed : std::initializer_list<std::size_t>{3, 1}) {
      EXPECT_EQ(give(*buffer_, live_[freed]), FaultKind::none);
      live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(freed));
    }
    sound_.assign(buffer_.start(), buffer_.end());
  }
  // Makes every call there is with that byte wrong; a call that is refused must have written nothing.
  void call_all(std::size_t wrong) {
    for (std::byte* const at : live_) {
      call(wrong, "deallocate", [&] { return buffer_->deallocate(at, {.kind = Kind::none}).is_fault(); });
      call(wrong, "reallocate to grow", [&] { return buffer_->reallocate(at, 130).is_fault(); });
      call(wrong, "reallocate to shrink", [&] { return buffer_->reallocate(at, 8).is_fault(); });
    }
    call(wrong, "allocate", [&] { return buffer_->allocate(90, 16, Kind::by_malloc).is_fault(); });
    call(wrong, "allocate aligned", [&] { return buffer_->allocate(64, 64, Kind::by_malloc).is_fault(); });
  }
  [[nodiscard]] unsigned refused() const { return refused_; }
  [[nodiscard]] const std::string& changed() const { return changed_; }

 private:
  template <class Call>
  void call(std::size_t wrong, const char* name, Call make) {
    std::memcpy(buffer_.start(), sound_.data(), kBytes);
    flip(buffer_.start() + wrong);
    const std::vector<std::byte> before(buffer_.start(), buffer_.start() + kBytes);
    if (!make()) return;
    ++refused_;
    const bool same = std::memcmp(before.data(), buffer_.start(), kBytes) == 0;
    if (!same && changed_.empty()) changed_ = std::string(name) + " with byte " + std::to_string(wrong) + " wrong";
  }

  Buffer<P> buffer_;
  std::vector<std::byte*> live_;
  std::vector<std::byte> sound_;
  unsigned refused_ = 0;
  std::string changed_;
};

TYPED_TEST(BufferFaultTest, ACallThatIsRefusedHasChangedNothing) {
  WrongByte<TestFixture::kPolicy> heap;
  for (std::size_t wrong = Buffer<TestFixture::kPolicy>::room_for(0) - kHeaderBytes; wrong < heap.kBytes; ++wrong)
    heap.call_all(wrong);
  EXPECT_GT(heap.refused(), 500U);
  EXPECT_EQ(heap.changed(), "");
}

// The record lies in the same buffer: whatever is wrong in it, no call follows it out of the buffer.
TYPED_TEST(BufferFaultTest, AWrongRecordLeadsNoCallAstray) {
  EXPECT_EQ(run_in_child([] {
              WrongByte<TestFixture::kPolicy> heap;
              for (std::size_t wrong = 0; wrong < Buffer<TestFixture::kPolicy>::room_for(0) - kHeaderBytes; ++wrong)
                heap.call_all(wrong);
              return 0;
            }),
            0);
}

}  // namespace
}  // namespace trestle
