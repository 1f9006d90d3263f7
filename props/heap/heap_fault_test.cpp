// Misuse of a Heap: which fault each is, where, with what evidence; and that nothing is lost by being refused.
#include "child.hpp"
#include "heap/fixture.hpp"
#include "ops/edge.hpp"

namespace trestle {
namespace {

template <class T>
class HeapFaultTest : public HeapTest<T> {
 protected:
  // Block and large sizes whose ends lie on no page's end.
  static constexpr std::size_t kSizes[] = {100, 5000, kAnyBlockRequest, 300 * kKiB + 5, kMiB + 1000};
};
template <class T>
class CheckedHeapFaultTest : public HeapFaultTest<T> {};
TYPED_TEST_SUITE(HeapFaultTest, EveryPolicy, PolicyNames);
TYPED_TEST_SUITE(CheckedHeapFaultTest, CheckedPolicies, PolicyNames);

TYPED_TEST(HeapFaultTest, DoubleFreesAndStalePointers) {
  for (const std::size_t size : TestFixture::kSizes) {
    std::byte* const at = take(this->heap_, size);
    ASSERT_NE(take(this->heap_, size), nullptr);
    ASSERT_EQ(give(this->heap_, at), FaultKind::none);
    const Verdict again = this->heap_.deallocate(at, kFromMalloc);
    EXPECT_TRUE(again.kind == FaultKind::double_free && again.at == at) << size;
    EXPECT_EQ(this->heap_.reallocate(at, 10).kind, FaultKind::stale_pointer) << size;
    EXPECT_EQ(this->heap_.reallocate(at, 2 * kMiB).kind, FaultKind::stale_pointer) << size;
    EXPECT_EQ(this->heap_.usable_size(at).kind, FaultKind::stale_pointer) << size;
    EXPECT_TRUE(faults_of(this->heap_).empty()) << size;
  }
}

TYPED_TEST(HeapFaultTest, DoubleFreesOfWhatLeftTheQuarantineLongAgo) {
  for (const std::size_t size : TestFixture::kSizes) {
    std::byte* const at = take(this->heap_, size);
    ASSERT_NE(take(this->heap_, size), nullptr);
    ASSERT_EQ(give(this->heap_, at), FaultKind::none);
    this->turn_over();
    const FaultKind again = give(this->heap_, at);
    EXPECT_TRUE(again == FaultKind::double_free || again == FaultKind::interior_pointer)
        << size << ": " << traits_of(again).name;
    EXPECT_TRUE(faults_of(this->heap_).empty()) << size;
  }
}

TYPED_TEST(HeapFaultTest, InteriorPointers) {
  for (const std::size_t size : TestFixture::kSizes) {
    std::byte* const at = take(this->heap_, size);
    std::memset(at, 0, size);
    for (const std::size_t i : {std::size_t{1}, std::size_t{8}, std::size_t{16}, size / 2, size - 1}) {
      ASSERT_EQ(give(this->heap_, at + i), FaultKind::interior_pointer) << i << " of " << size;
      ASSERT_EQ(this->heap_.usable_size(at + i).kind, FaultKind::interior_pointer) << i << " of " << size;
      ASSERT_EQ(this->heap_.reallocate(at + i, 10).kind, FaultKind::interior_pointer) << i << " of " << size;
    }
    EXPECT_EQ(give(this->heap_, at), FaultKind::none);
  }
}

TYPED_TEST(HeapFaultTest, WildPointersAndPointersToNoBlock) {
  ASSERT_NE(take(this->heap_, 100), nullptr);
  int local = 0;
  static int global = 0;
  for (void* const wild :
       {static_cast<void*>(&local), static_cast<void*>(&global), reinterpret_cast<void*>(std::uintptr_t{16}),
        reinterpret_cast<void*>(~std::uintptr_t{15}), static_cast<void*>(this)}) {
    EXPECT_EQ(give(this->heap_, wild), FaultKind::wild_pointer);
    EXPECT_EQ(this->heap_.reallocate(wild, 10).kind, FaultKind::wild_pointer);
    EXPECT_EQ(this->heap_.usable_size(wild).kind, FaultKind::wild_pointer);
  }
  std::byte* const large = take(this->heap_, kMiB);
  EXPECT_EQ(give(this->heap_, large + 64 * kMiB), FaultKind::not_a_block) << "in the region, where nothing was yet";
  EXPECT_EQ(give(this->heap_, nullptr), FaultKind::none);
  EXPECT_TRUE(faults_of(this->heap_).empty());
}

// It had been called a wild pointer.
TYPED_TEST(HeapFaultTest, PointersIntoTheGuardPageBehindBlocks) {
  std::byte* const block = take(this->heap_, kAnyBlockRequest);
  std::byte* last = nullptr;
  this->heap_.for_each_span([&](const SpanDescriptor& span, const std::byte* start) {
    if (block < start || static_cast<std::size_t>(block - start) >= span.length.bytes()) return;
    last = const_cast<std::byte*>(start) + span.length.bytes() - kMinAlignment;
  });
  ASSERT_NE(last, nullptr);
  for (std::byte* at = last; last - at < 4096; at -= 8 * kMinAlignment) {
    ASSERT_EQ(give(this->heap_, at), FaultKind::not_a_block) << last - at;
    ASSERT_EQ(this->heap_.reallocate(at, 10).kind, FaultKind::not_a_block) << last - at;
    ASSERT_EQ(this->heap_.usable_size(at).kind, FaultKind::not_a_block) << last - at;
  }
}

// What the policy does not check, it lets pass; what it checks, it names.
TYPED_TEST(HeapFaultTest, ClaimsThatDoNotHold) {
  constexpr const Policy& policy = TestFixture::kPolicy;
  const FaultKind wrong_size = policy.sized_free_checked ? FaultKind::size_mismatch : FaultKind::none;
  const FaultKind wrong_alignment = policy.sized_free_checked ? FaultKind::alignment_mismatch : FaultKind::none;
  const FaultKind wrong_kind = policy.kind_checked ? FaultKind::kind_mismatch : FaultKind::none;
  for (const std::size_t size : TestFixture::kSizes) {
    const auto made = [&] { return take(this->heap_, size, 32, Kind::by_new); };
    EXPECT_EQ(give(this->heap_, made(), {.kind = Kind::by_new, .size = size - 1}), wrong_size) << size;
    EXPECT_EQ(give(this->heap_, made(), {.kind = Kind::by_new, .size = size + 1}), wrong_size) << size;
    EXPECT_EQ(give(this->heap_, made(), {.kind = Kind::by_new, .alignment = std::size_t{1} << 30}), wrong_alignment)
        << size;
    EXPECT_EQ(give(this->heap_, made(), {.kind = Kind::by_malloc}), wrong_kind) << size;
    EXPECT_EQ(give(this->heap_, made(), {.kind = Kind::by_new_array}), wrong_kind) << size;
    EXPECT_EQ(give(this->heap_, made(), {.kind = Kind::by_new, .size = size, .alignment = 32}), FaultKind::none)
        << size;
    EXPECT_EQ(give(this->heap_, made(), {.kind = Kind::none}), FaultKind::none) << size;
  }
}

// Realloc had answered that there is no memory.
TYPED_TEST(CheckedHeapFaultTest, AWritePastTheEndOfWhatNoMemoryIsThereToMove) {
  for (const std::size_t size : {std::size_t{100}, kAnyBlockRequest, kMiB - 1}) {
    std::byte* const at = take(this->heap_, size);
    flip(at + size);
    const Allocation moved = this->heap_.reallocate(at, std::size_t{1} << 46);
    EXPECT_TRUE(moved.kind == FaultKind::write_past_end && moved.payload == at + size) << size;
    flip(at + size);
    EXPECT_EQ(this->heap_.reallocate(at, std::size_t{1} << 46).payload, nullptr) << size;
    EXPECT_EQ(give(this->heap_, at), FaultKind::none) << size;
  }
}

TYPED_TEST(CheckedHeapFaultTest, EachByteWrittenPastTheEnd) {
  for (const std::size_t size : TestFixture::kSizes) {
    std::byte* const at = take(this->heap_, size);
    std::size_t served = 0;
    for (const BlockView& block : blocks_of(this->heap_)) served = block.payload == at ? block.served : served;
    ASSERT_GT(served, size);
    for (std::byte* wrong = at + size; wrong < at + served; ++wrong) {
      flip(wrong);
      const std::vector<Fault> faults = faults_of(this->heap_);
      ASSERT_EQ(faults.size(), 1U);
      ASSERT_TRUE(has(faults, FaultKind::write_past_end, wrong)) << wrong - at << " of " << size;
      ASSERT_TRUE(faults[0].block == at && faults[0].requested == size && faults[0].served == served);
      const Verdict freed = this->heap_.deallocate(at, kFromMalloc);
      ASSERT_TRUE(freed.kind == FaultKind::write_past_end && freed.at == wrong);
      ASSERT_EQ(this->heap_.reallocate(at, size + 1).kind, FaultKind::write_past_end);
      const Fault told = this->heap_.explain(freed, at);
      ASSERT_TRUE(told.block == at && told.requested == size && told.address == wrong);
      ASSERT_EQ(told.expected ^ told.found, 0x5AU);
      flip(wrong);
    }
    EXPECT_EQ(give(this->heap_, at), FaultKind::none);
  }
}

// I15.
TYPED_TEST(CheckedHeapFaultTest, EachByteWrittenBeforeTheStartOfALargeBlock) {
  for (const std::size_t size : {300 * kKiB, kMiB + 1000}) {
    std::byte* const at = take(this->heap_, size);
    for (std::byte* wrong = at - 32; wrong < at; ++wrong) {
      flip(wrong);
      EXPECT_TRUE(has(faults_of(this->heap_), FaultKind::write_before_start, wrong)) << at - wrong;
      const Verdict freed = this->heap_.deallocate(at, kFromMalloc);
      EXPECT_TRUE(freed.kind == FaultKind::write_before_start && freed.at == wrong) << at - wrong;
      EXPECT_EQ(this->heap_.explain(freed, at).block, at);
      flip(wrong);
    }
    EXPECT_EQ(give(this->heap_, at), FaultKind::none);
  }
}

TYPED_TEST(HeapFaultTest, BehindTheFenceOfALargeBlockEveryAccessFaults) {
  for (const std::size_t size : {300 * kKiB, kMiB + 1000, 4 * kMiB}) {
    std::byte* const at = take(this->heap_, size);
    const std::uintptr_t fence = align_up(address_of(at + size), kOsPage);
    EXPECT_TRUE(kills_reader(reinterpret_cast<std::byte*>(fence))) << size;
    EXPECT_TRUE(kills_writer(reinterpret_cast<std::byte*>(fence))) << size;
    EXPECT_TRUE(is_readable(at + size - 1));
    std::byte* const grown = regrow(this->heap_, at, size + 64 * kKiB);
    EXPECT_TRUE(is_readable(grown + size + 64 * kKiB - 1));
    EXPECT_TRUE(kills_reader(reinterpret_cast<std::byte*>(align_up(address_of(grown + size + 64 * kKiB), kOsPage))));
  }
}

// I6, of a retired block.
TYPED_TEST(CheckedHeapFaultTest, AWriteAfterFreeIsFoundInTheQuarantineAndOnTheWayOut) {
  std::byte* const at = take(this->heap_, kAnyBlockRequest);
  ASSERT_EQ(give(this->heap_, at), FaultKind::none);
  for (std::size_t i = 0; i < 500; ++i) {
    flip(at + i);
    ASSERT_TRUE(has(faults_of(this->heap_), FaultKind::write_after_free, at + i)) << i;
    flip(at + i);
  }
  flip(at + 100);
  FaultKind found = FaultKind::none;
  for (std::size_t bytes = 0; found == FaultKind::none && bytes < 4 * TestFixture::kPolicy.quarantine_bytes + kMiB;
       bytes += 128 * kKiB) {
    found = give(this->heap_, take(this->heap_, 128 * kKiB));
  }
  EXPECT_EQ(found, FaultKind::write_after_free);
}

TYPED_TEST(CheckedHeapFaultTest, AWriteToAFreedSlotIsFoundWhereItRestsAndBeforeItIsHandedOut) {
  constexpr std::size_t kSize = 500;
  std::byte* const at = take(this->heap_, kSize);
  ASSERT_EQ(give(this->heap_, at), FaultKind::none);
  for (std::size_t i = 0; i < kSize; ++i) {
    flip(at + i);
    const std::vector<Fault> faults = faults_of(this->heap_);
    ASSERT_EQ(faults.size(), 1U) << i;
    ASSERT_TRUE(faults[0].kind == FaultKind::write_after_free && faults[0].address == at + i) << i;
    ASSERT_TRUE(faults[0].block == at && (faults[0].expected ^ faults[0].found) == 0x5A) << i;
    flip(at + i);
  }
  flip(at + 100);
  FaultKind found = FaultKind::none;
  const std::size_t most = 2 * TestFixture::kPolicy.quarantine_bytes / kSize + 10000;
  for (std::size_t i = 0; found == FaultKind::none && i < most; ++i) {
    const Allocation made = ops::allocate_at_edge(this->heap_, kSize, 16, Kind::by_malloc);
    found = made.is_fault() ? made.kind : give(this->heap_, made.payload);
    if (made.is_fault()) {
      EXPECT_EQ(made.payload, at + 100);
    }
  }
  EXPECT_EQ(found, FaultKind::write_after_free);
  flip(at + 100);
  EXPECT_TRUE(faults_of(this->heap_).empty());
}

// The neighbour's pad lies right below a slot: who writes before his own start is told apart from who wrote past his end.
TYPED_TEST(CheckedHeapFaultTest, BytesWrittenBeforeTheStartOfASlot) {
  std::vector<std::byte*> blocks;
  for (int i = 0; i < 64; ++i) blocks.push_back(take(this->heap_, 100));
  std::sort(blocks.begin(), blocks.end());
  std::byte* const left = blocks[10];
  std::byte* const at = blocks[11];
  ASSERT_EQ(at, left + 112);
  flip(at - 2);
  const Verdict freed = this->heap_.deallocate(at, kFromMalloc);
  EXPECT_TRUE(freed.kind == FaultKind::write_before_start && freed.at == at - 2) << traits_of(freed.kind).name;
  EXPECT_TRUE(has(faults_of(this->heap_), FaultKind::write_past_end, at - 2));
  flip(at - 2);
  EXPECT_EQ(give(this->heap_, at), FaultKind::none);
}

TYPED_TEST(HeapFaultTest, NothingCanBeReadAtARequestOfNoBytes) {
  std::byte* const one = take(this->heap_, 0);
  std::byte* const other = take(this->heap_, 0, 16, Kind::by_new);
  ASSERT_TRUE(one != nullptr && other != nullptr && one != other);
  EXPECT_TRUE(kills_reader(one));
  EXPECT_TRUE(kills_writer(other));
  EXPECT_EQ(give(this->heap_, one + 1), FaultKind::interior_pointer);
  constexpr bool kSized = TestFixture::kPolicy.sized_free_checked;
  EXPECT_EQ(give(this->heap_, one, {.size = 1}), kSized ? FaultKind::size_mismatch : FaultKind::none);
  if (kSized) {
    const std::uintptr_t beyond = (address_of(one) & (~address_of(one) + 1)) * 2;
    EXPECT_EQ(give(this->heap_, one, {.alignment = beyond}), FaultKind::alignment_mismatch);
    EXPECT_EQ(give(this->heap_, one, {.size = 0, .alignment = beyond / 2}), FaultKind::none);
  }
  EXPECT_EQ(give(this->heap_, one), FaultKind::double_free);
  EXPECT_EQ(this->heap_.usable_size(one).kind, FaultKind::stale_pointer);
  EXPECT_EQ(regrow(this->heap_, other, 0), other);
  std::byte* const grown = regrow(this->heap_, other, 10);
  EXPECT_TRUE(is_readable(grown + 9));
  EXPECT_EQ(give(this->heap_, grown, {.kind = Kind::by_new}), FaultKind::none);
  EXPECT_TRUE(faults_of(this->heap_).empty());
}

TYPED_TEST(CheckedHeapFaultTest, AFreedLargeBlockIsInaccessible) {
  std::byte* const at = take(this->heap_, kMiB);
  ASSERT_EQ(give(this->heap_, at), FaultKind::none);
  for (const std::size_t i : {std::size_t{0}, kMiB / 2, kMiB - 1}) {
    EXPECT_TRUE(kills_reader(at + i));
    EXPECT_TRUE(kills_writer(at + i));
  }
}

// Its words are not an address of a record, so nothing may be read there.
TYPED_TEST(HeapFaultTest, ASpanThatOnlyClaimsToBeASlabIsNotFollowed) {
  std::byte* const large = take(this->heap_, kMiB);
  ASSERT_NE(take(this->heap_, 0), nullptr);
  SpanDescriptor* victim = nullptr;
  this->heap_.for_each_span([&](SpanDescriptor& span, const std::byte* start) {
    if (large >= start && large < start + span.length.bytes()) victim = &span;
  });
  ASSERT_NE(victim, nullptr);
  const BlockVisitor all{[](const BlockView&, void*) { return true; }, nullptr};
  for (const SpanState claimed : {SpanState::slots, SpanState::addresses}) {
    victim->state = claimed;
    EXPECT_EQ(faults_of(this->heap_).at(0).kind, FaultKind::descriptor_corrupt);
    EXPECT_FALSE(this->heap_.walk(all));
    (void)this->heap_.stats();
    EXPECT_NE(give(this->heap_, large), FaultKind::none);
  }
  victim->state = SpanState::large;
  EXPECT_EQ(give(this->heap_, large), FaultKind::none);
}

// I19: each way in which a slab's record can be about something else than the span that leads to it.
TYPED_TEST(HeapFaultTest, ASlabsRecordThatIsAboutAnotherSpanIsFoundByItsAddress) {
  std::byte* const small = take(this->heap_, 100);
  SlotRecord<TestFixture::kPolicy, LinuxOs>* found = nullptr;
  this->heap_.for_each_span([&](SpanDescriptor& span, const std::byte* start) {
    if (small >= start && small < start + span.length.bytes())
      found = &record_of_span<TestFixture::kPolicy, LinuxOs>({nullptr, &span, false});
  });
  ASSERT_NE(found, nullptr);
  auto& record = *found;
  auto& layout = const_cast<SlabLayout&>(record.slab.layout());
  const SlabLayout before = layout;
  auto* const home = record.home;
  ASSERT_TRUE(faults_of(this->heap_).empty());
  const auto is_found = [&] {
    const bool seen = has(faults_of(this->heap_, CheckLevel::quick), FaultKind::descriptor_corrupt, &record) &&
                      has(faults_of(this->heap_), FaultKind::descriptor_corrupt, &record);
    layout = before;
    record.home = home;
    return seen;
  };
  layout.base += kGranule;
  EXPECT_TRUE(is_found());
  layout.bytes += kGranule;
  EXPECT_TRUE(is_found());
  record.home = nullptr;
  EXPECT_TRUE(is_found());
  EXPECT_TRUE(faults_of(this->heap_).empty());
  EXPECT_EQ(give(this->heap_, small), FaultKind::none);
}

// I21: a slot that its state says rests in a magazine, though none has it and its owner has not given it back. The quick level
// reads no poison, so that what is counted is all there is to tell.
TYPED_TEST(HeapFaultTest, ASlotInNoMagazineIsACountThatIsWrong) {
  std::byte* const small = take(this->heap_, 100);
  SlotStateCell* found = nullptr;
  this->heap_.for_each_span([&](SpanDescriptor& span, const std::byte* start) {
    if (small < start || small >= start + span.length.bytes()) return;
    const Slab<TestFixture::kPolicy>& slab =
        record_of_span<TestFixture::kPolicy, LinuxOs>({nullptr, &span, false}).slab;
    found = slab.layout().states + static_cast<std::size_t>(small - start) / slot_bytes(slab.layout().size_class);
  });
  ASSERT_NE(found, nullptr);
  const SlotState right = *found;
  ASSERT_TRUE(right.is_used());
  *found = SlotState::free(Rest::magazine, false);
  const std::vector<Fault> faults = faults_of(this->heap_, CheckLevel::quick);
  *found = right;
  ASSERT_EQ(faults.size(), 3U) << "one slot rests too many, one is used too few, and so are its bytes";
  for (const Fault& fault : faults) EXPECT_EQ(fault.kind, FaultKind::accounting_mismatch);
  EXPECT_EQ(faults[0].expected, faults[0].found + 1);
  EXPECT_EQ(faults[1].expected + 1, faults[1].found);
  EXPECT_EQ(faults[2].expected + (TestFixture::kPolicy.canary ? 100 : slot_bytes(class_for(100))), faults[2].found);
  EXPECT_TRUE(faults_of(this->heap_).empty());
  EXPECT_EQ(give(this->heap_, small), FaultKind::none);
}

// I1.
TYPED_TEST(HeapFaultTest, CorruptHeadersAreFoundByTheirAddress) {
  std::byte* const one = take(this->heap_, kAnyBlockRequest);
  std::byte* const two = take(this->heap_, kAnyBlockRequest);
  for (unsigned bit = 0; bit < 128; ++bit) {
    flip_bit(two - kHeaderBytes, bit);
    ASSERT_TRUE(has(faults_of(this->heap_), FaultKind::header_corrupt, two - kHeaderBytes)) << bit;
    ASSERT_EQ(give(this->heap_, two), FaultKind::header_corrupt) << bit;
    ASSERT_EQ(this->heap_.usable_size(two).kind, FaultKind::header_corrupt) << bit;
    flip_bit(two - kHeaderBytes, bit);
  }
  EXPECT_EQ(give(this->heap_, one), FaultKind::none);
  EXPECT_EQ(give(this->heap_, two), FaultKind::none);
}

}  // namespace
}  // namespace trestle
