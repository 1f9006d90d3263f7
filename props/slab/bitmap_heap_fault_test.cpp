// Misuse of a BitmapHeap: which fault each mistake is, at which address, and that a refused call changes nothing.
#include "slab/units.hpp"

namespace trestle {
namespace {

template <class T>
class BitmapFaultTest : public UnitsTest<T> {};
template <class T>
class CheckedBitmapFaultTest : public UnitsTest<T> {};
TYPED_TEST_SUITE(BitmapFaultTest, EveryPolicy, PolicyNames);
TYPED_TEST_SUITE(CheckedBitmapFaultTest, CheckedPolicies, PolicyNames);

constexpr std::size_t kRoom = 4096;

TYPED_TEST(BitmapFaultTest, ADoubleFree) {
  typename TestFixture::Room room(kRoom);
  std::byte* const left = take(*room, 100);
  std::byte* const at = take(*room, 100);
  std::byte* const right = take(*room, 100);
  for (std::byte* const each : {left, right, at}) ASSERT_EQ(give(*room, each), FaultKind::none);
  for (std::byte* const each : {left, right, at}) {
    const Verdict again = room->deallocate(each, kFromMalloc);
    EXPECT_TRUE(again.kind == FaultKind::double_free && again.at == each);
    const Allocation resized = room->reallocate(each, 10);
    EXPECT_TRUE(resized.kind == FaultKind::stale_pointer && resized.payload == each);
    EXPECT_EQ(room->usable_size(each).kind, FaultKind::stale_pointer);
  }
  ASSERT_NO_FATAL_FAILURE(room.expect_empty());
}

TYPED_TEST(BitmapFaultTest, EveryInteriorPointer) {
  typename TestFixture::Room room(kRoom);
  std::byte* const at = take(*room, 700);  // its codes fill more than one word
  ASSERT_NE(take(*room, 10), nullptr);
  for (std::size_t i = 1; i < 700; ++i) {
    const Verdict v = room->deallocate(at + i, kFromMalloc);
    ASSERT_TRUE(v.kind == FaultKind::interior_pointer && v.at == at + i) << i;
  }
  EXPECT_EQ(room->reallocate(at + 16, 10).kind, FaultKind::interior_pointer);
  EXPECT_EQ(room->usable_size(at + 16).kind, FaultKind::interior_pointer);
  EXPECT_EQ(give(*room, at), FaultKind::none);
}

TYPED_TEST(BitmapFaultTest, WildPointersAndPointersToNoBlock) {
  typename TestFixture::Room room(kRoom, 512);
  ASSERT_NE(take(*room, 200), nullptr);
  const auto expect = [&](const void* at, FaultKind kind) {
    const Verdict v = room->deallocate(const_cast<void*>(at), kFromMalloc);
    EXPECT_EQ(v.kind, kind);
    EXPECT_EQ(v.at, at);
    EXPECT_EQ(room->usable_size(at).kind, kind);
    EXPECT_EQ(room->reallocate(const_cast<void*>(at), 1).kind, kind);
  };
  int local = 0;
  expect(&local, FaultKind::wild_pointer);
  expect(reinterpret_cast<void*>(std::uintptr_t{16}), FaultKind::wild_pointer);
  expect(reinterpret_cast<void*>(~std::uintptr_t{15}), FaultKind::wild_pointer);
  expect(room.end(), FaultKind::wild_pointer);
  for (const std::byte* at = room.start(); at != room.first_unit(0); ++at) expect(at, FaultKind::not_a_block);
  for (std::size_t page = 1; page < kRoom / 512; ++page)
    for (const std::byte* at = room.header(page); at != room.first_unit(page); ++at) expect(at, FaultKind::not_a_block);
  expect(room.first_unit(1) + 8, FaultKind::not_a_block);
  EXPECT_TRUE(faults_of(*room).empty());
}

TYPED_TEST(CheckedBitmapFaultTest, AClaimedSizeOrAlignmentThatIsNotTheBlocks) {
  typename TestFixture::Room room(kRoom);
  std::byte* const at = take(*room, 100, 64);
  for (const std::size_t size : {0U, 99U, 101U, 112U}) {
    const Verdict v = room->deallocate(at, {.size = size});
    EXPECT_TRUE(v.kind == FaultKind::size_mismatch && v.at == at) << size;
  }
  const Verdict v = room->deallocate(at, {.size = 100, .alignment = std::size_t{1} << 20});
  EXPECT_TRUE(v.kind == FaultKind::alignment_mismatch && v.at == at);
  EXPECT_EQ(give(*room, at, {.kind = Kind::by_new, .size = 100, .alignment = 64}), FaultKind::none)
      << "of kinds it knows nothing";
}

// One byte too many, whatever the request: found where it was written, by check, by free, by realloc and by a question.
TYPED_TEST(CheckedBitmapFaultTest, EachByteWrittenPastTheEndOfEachSize) {
  for (std::size_t size = 0; size < 130; ++size) {
    typename TestFixture::Room room(kRoom);
    std::byte* const at = take(*room, size);
    const std::size_t served = blocks_of(*room).front().served;
    for (std::size_t i = size; i < served; ++i) {
      flip(at + i);
      const std::vector<Fault> faults = faults_of(*room);
      ASSERT_EQ(faults.size(), 1U) << size;
      EXPECT_EQ(faults[0].kind, FaultKind::write_past_end) << size;
      EXPECT_TRUE(faults[0].block == at && faults[0].served == served);
      const Verdict freed = room->deallocate(at, kFromMalloc);
      EXPECT_EQ(freed.kind, FaultKind::write_past_end) << size;
      EXPECT_EQ(freed.at, faults[0].address);
      const Allocation resized = room->reallocate(at, size + 1);
      EXPECT_TRUE(resized.kind == FaultKind::write_past_end && resized.payload == freed.at) << size;
      EXPECT_EQ(room->usable_size(at).kind, FaultKind::write_past_end);
      if (served - size > 4) {  // of a shorter pad too little is left to tell how long it was
        EXPECT_EQ(freed.at, at + i) << size;
        EXPECT_TRUE(faults[0].requested == size && faults[0].expected != faults[0].found) << size;
      }
      flip(at + i);
    }
    ASSERT_EQ(give(*room, at), FaultKind::none);
  }
}

TYPED_TEST(CheckedBitmapFaultTest, AWriteAfterFreeIsFoundByCheckAndBeforeReuse) {
  typename TestFixture::Room room(kRoom, 512);
  std::byte* const left = take(*room, 10);
  std::byte* const at = take(*room, 200);
  while (take(*room, 1) != nullptr) continue;
  ASSERT_EQ(give(*room, at), FaultKind::none);
  for (std::size_t i = 0; i < 208; ++i) {
    flip(at + i);
    const std::vector<std::byte> before(room.start(), room.end());
    const std::vector<Fault> faults = faults_of(*room);
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_TRUE(faults[0].kind == FaultKind::write_after_free && faults[0].address == at + i) << i;
    EXPECT_TRUE(faults[0].block == at && faults[0].served == 208);
    EXPECT_TRUE(faults[0].expected == TestFixture::kPolicy.poison_byte && faults[0].found != faults[0].expected);
    const Allocation reused = room->allocate(200, kMinAlignment, Kind::by_malloc);
    EXPECT_TRUE(reused.kind == FaultKind::write_after_free && reused.payload == at + i) << i;
    const Allocation grown = room->reallocate(left, 10 + 208);
    EXPECT_TRUE(grown.kind == FaultKind::write_after_free && grown.payload == at + i) << i;
    EXPECT_EQ(std::memcmp(before.data(), room.start(), before.size()), 0);
    flip(at + i);
  }
  EXPECT_EQ(take(*room, 200), at);
}

// A byte before a block is the last of the one on its left, or of free units.
TYPED_TEST(CheckedBitmapFaultTest, AByteWrittenBeforeABlockIsItsNeighbours) {
  typename TestFixture::Room room(kRoom);
  std::byte* const left = take(*room, 20);
  std::byte* const at = take(*room, 20);
  flip(at - 1);
  EXPECT_EQ(give(*room, left), FaultKind::write_past_end);
  EXPECT_EQ(give(*room, at), FaultKind::none);
  flip(at - 1);
  EXPECT_EQ(give(*room, left), FaultKind::none);
}

// A page that looks full because its codes are wrong, or has any other codes than it should, is not passed over.
TYPED_TEST(BitmapFaultTest, APageWhoseCodesAreNotSealedIsNotPassedOver) {
  typename TestFixture::Room room(kRoom, 512);
  std::byte* const header = room.header(0);
  const std::vector<std::byte> sound(room.start(), room.end());
  for (const int codes : {0xFF, 0x55, 0x01}) {
    std::memset(header + 8, codes, 8);
    const Allocation refused = room->allocate(1, kMinAlignment, Kind::by_malloc);
    EXPECT_TRUE(refused.kind == FaultKind::control_corrupt && refused.payload == header) << codes;
    std::memcpy(room.start(), sound.data(), sound.size());
  }
  EXPECT_EQ(take(*room, 1), room.first_unit(0));
}

// The first page has become full, which the next request is the first to see: what it then refuses it has not written down.
TYPED_TEST(BitmapFaultTest, ARefusedRequestHasNotMovedOnToTheNextPage) {
  typename TestFixture::Room room(kRoom, 512);
  for (std::size_t i = 0; i < room.units(0); ++i) ASSERT_EQ(take(*room, 0), room.first_unit(0) + 16 * i);
  const auto expect_refused = [&](std::byte* wrong, FaultKind kind) {
    flip(wrong);
    const std::vector<std::byte> before(room.start(), room.end());
    EXPECT_EQ(room->allocate(0, kMinAlignment, Kind::by_malloc).kind, kind);
    EXPECT_EQ(std::memcmp(before.data(), room.start(), before.size()), 0);
    flip(wrong);
  };
  expect_refused(room.header(1), FaultKind::control_corrupt);
  if constexpr (TestFixture::kPolicy.poison) expect_refused(room.first_unit(1), FaultKind::write_after_free);
  EXPECT_EQ(take(*room, 0), room.first_unit(1));
}

// Three pages with live blocks and free units, put back as they were before each byte that is made wrong.
template <Policy P>
class WrongByteOfUnits {
 public:
  static constexpr std::size_t kBytes = std::size_t{3} * 256;

  WrongByteOfUnits() : room_(kBytes, 256, false, kBytes) {
    for (const std::size_t size : std::initializer_list<std::size_t>{50, 40, 10, 30, 111, 60, 70})
      live_.push_back(take(*room_, size));
    for (const std::size_t freed : std::initializer_list<std::size_t>{5, 3, 1}) {
      EXPECT_EQ(give(*room_, live_[freed]), FaultKind::none);
      live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(freed));
    }
    sound_.assign(room_.start(), room_.end());
  }
  // Makes every call there is with that byte wrong; a call that is refused must have written nothing.
  void call_all(std::size_t wrong) {
    for (std::byte* const at : live_) {
      call(wrong, "deallocate", [&] { return room_->deallocate(at, {.kind = Kind::none}).is_fault(); });
      call(wrong, "reallocate to grow", [&] { return room_->reallocate(at, 75).is_fault(); });
      call(wrong, "reallocate to move", [&] { return room_->reallocate(at, 130).is_fault(); });
      call(wrong, "reallocate to shrink", [&] { return room_->reallocate(at, 8).is_fault(); });
    }
    for (const std::size_t size : std::initializer_list<std::size_t>{1, 30, 120, 200})
      call(wrong, "allocate", [&] { return room_->allocate(size, 16, Kind::by_malloc).is_fault(); });
    call(wrong, "allocate aligned", [&] { return room_->allocate(60, 64, Kind::by_malloc).is_fault(); });
    call(wrong, "shrink", [&] { return !room_->shrink(256); });
  }
  [[nodiscard]] unsigned refused() const { return refused_; }
  [[nodiscard]] const std::string& changed() const { return changed_; }
  // The bytes behind the buffer, which no call may write.
  [[nodiscard]] bool is_alone() { return first_other(room_.start() + kBytes, 512, 0xC3) == nullptr; }

 private:
  template <class Call>
  void call(std::size_t wrong, const char* name, Call make) {
    std::memcpy(room_.start(), sound_.data(), kBytes);
    flip(room_.start() + wrong);
    const std::vector<std::byte> before(room_.start(), room_.start() + kBytes);
    if (!make()) return;
    ++refused_;
    const bool same = std::memcmp(before.data(), room_.start(), kBytes) == 0;
    if (!same && changed_.empty()) changed_ = std::string(name) + " with byte " + std::to_string(wrong) + " wrong";
  }

  Units<P> room_;
  std::vector<std::byte*> live_;
  std::vector<std::byte> sound_;
  unsigned refused_ = 0;
  std::string changed_;
};

TYPED_TEST(BitmapFaultTest, ACallThatIsRefusedHasChangedNothing) {
  WrongByteOfUnits<TestFixture::kPolicy> heap;
  for (std::size_t wrong = 0; wrong < heap.kBytes; ++wrong) heap.call_all(wrong);
  EXPECT_GT(heap.refused(), 500U);
  EXPECT_EQ(heap.changed(), "");
  EXPECT_TRUE(heap.is_alone());
}

}  // namespace
}  // namespace trestle
