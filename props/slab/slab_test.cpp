// What a slab says of each mistake, at which address, and that it changes nothing by saying it.
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "slab/fixture.hpp"

namespace trestle {
namespace {

constexpr SizeClass kHundred = class_for(112);  // slots of 112 bytes; a request of 100 has a pad of 12
constexpr std::size_t kRequest = 100;

template <class Name>
class SlabUnit : public testing::Test {
 public:
  static constexpr const Policy& kPolicy = Name::kPolicy;

 protected:
  // A fault that a release answers with, and the slab is as it was.
  void expect_refused(FaultKind kind, const void* payload, const void* at, const Release& how = kFromMalloc) {
    SlabTally before;
    const std::size_t faults = this->tested_.faults(before).size();
    std::size_t requested = 0;
    EXPECT_FALSE(this->tested_.slab().try_release(const_cast<void*>(payload), how, Rest::quarantine, requested));
    const Verdict v = this->tested_.slab().release(const_cast<void*>(payload), how, Rest::quarantine);
    EXPECT_EQ(v.kind, kind);
    EXPECT_EQ(v.at, at);
    SlabTally after;
    EXPECT_EQ(this->tested_.faults(after).size(), faults);
    EXPECT_EQ(after, before);
  }

  SlabUnderTest<kPolicy> tested_{kHundred};
};

struct Fast {
  static constexpr const Policy& kPolicy = kFast;
};
struct Hardened {
  static constexpr const Policy& kPolicy = kHardened;
};
struct Debug {
  static constexpr const Policy& kPolicy = kDebug;
};
using AllPolicies = testing::Types<Fast, Hardened, Debug>;
TYPED_TEST_SUITE(SlabUnit, AllPolicies);

TYPED_TEST(SlabUnit, NamesEachPointerThatIsNoBlock) {
  Slab<TestFixture::kPolicy>& slab = this->tested_.slab();
  std::byte* const block = this->tested_.take(kRequest);
  std::byte* const freed = this->tested_.take(kRequest);
  void* cached = nullptr;
  ASSERT_EQ(slab.take({&cached, 1}), 1U);
  ASSERT_EQ(this->tested_.give(freed), FaultKind::none);
  this->expect_refused(FaultKind::double_free, freed, freed);
  this->expect_refused(FaultKind::not_a_block, cached, cached);
  this->expect_refused(FaultKind::not_a_block, slab.slot_at(3), slab.slot_at(3));  // never carved
  std::byte* const left_over = slab.slot_at(slab.slots());
  this->expect_refused(FaultKind::not_a_block, left_over, left_over);
  for (std::size_t i = 1; i < slab.slot_size(); ++i)
    this->expect_refused(FaultKind::interior_pointer, block + i, block + i);
  EXPECT_EQ(slab.vet(freed).kind, FaultKind::double_free);
  EXPECT_EQ(slab.vet(block + 16).kind, FaultKind::interior_pointer);
  EXPECT_FALSE(slab.vet(block).is_fault());
}

TYPED_TEST(SlabUnit, HandsOutEverySlotOnceAndNoMore) {
  Slab<TestFixture::kPolicy>& slab = this->tested_.slab();
  std::vector<void*> all(slab.slots() + 10);
  EXPECT_EQ(slab.take(all), slab.slots());
  EXPECT_EQ(std::set<void*>(all.begin(), all.begin() + slab.slots()).size(), slab.slots());
  EXPECT_EQ(slab.take(all), 0U);
  EXPECT_EQ(slab.available(), 0U);
  slab.give(slab.slot_at(7));
  slab.give(slab.slot_at(500));
  void* two[3] = {};
  ASSERT_EQ(slab.take(two), 2U);
  EXPECT_EQ(two[0], slab.slot_at(7));
  EXPECT_EQ(two[1], slab.slot_at(500));
  for (std::uint32_t i = 0; i < slab.slots(); ++i) slab.give(slab.slot_at(i));
  EXPECT_TRUE(slab.is_whole());
  EXPECT_TRUE(this->tested_.faults().empty());
}

TYPED_TEST(SlabUnit, HoldsAReleaseToWhatItClaims) {
  std::byte* const block = this->tested_.take(kRequest, Kind::by_new);
  if (TestFixture::kPolicy.sized_free_checked) {
    this->expect_refused(FaultKind::size_mismatch, block, block, {Kind::by_new, kRequest - 1, 0});
    this->expect_refused(FaultKind::size_mismatch, block, block, {Kind::by_new, kRequest + 1, 0});
    const std::size_t aligned_to = address_of(block) & (~address_of(block) + 1);
    this->expect_refused(FaultKind::alignment_mismatch, block, block, {Kind::by_new, kRequest, 2 * aligned_to});
  }
  if (TestFixture::kPolicy.kind_checked)
    this->expect_refused(FaultKind::kind_mismatch, block, block, {Kind::by_new_array});
  EXPECT_EQ(this->tested_.give(block, {Kind::by_new, kRequest, 16}), FaultKind::none);
}

// Where there is a canary: a byte beyond the request, whoever is released first.
template <class Name>
class CheckedSlab : public SlabUnit<Name> {};
using CheckedPolicies = testing::Types<Hardened, Debug>;
TYPED_TEST_SUITE(CheckedSlab, CheckedPolicies);

// I20: its pads, and below the poison of what is free.
TYPED_TEST(CheckedSlab, SeesAByteWrittenPastTheEndAtItsAddress) {
  for (std::size_t requested = 96; requested < 112; ++requested) {
    std::byte* const block = this->tested_.take(requested);
    std::byte* const above = this->tested_.take(kRequest);
    const std::byte right = block[requested];
    block[requested] = std::byte{0};
    this->expect_refused(FaultKind::write_past_end, block, block + requested);
    this->expect_refused(FaultKind::write_past_end, above, block + requested);
    EXPECT_TRUE(has(this->tested_.faults(), FaultKind::write_past_end, block + requested));
    block[requested] = right;
    EXPECT_EQ(this->tested_.give(above), FaultKind::none);
    EXPECT_EQ(this->tested_.give(block), FaultKind::none);
  }
}

TYPED_TEST(CheckedSlab, SeesBytesWrittenBeforeTheStart) {
  std::byte* const left = this->tested_.take(kRequest);
  std::byte* const block = this->tested_.take(kRequest);
  for (std::size_t i = 1; i <= 8; ++i) {
    std::byte kept[8];
    std::copy(block - i, block, kept);
    // One last byte in 255 tells of a pad of itself alone, and a few of one too short to show that it is none.
    const auto passes_for_a_pad = [&] {
      const std::size_t told = SlotCanary(key_from(11), left, 112).requested();
      return told != SlotCanary::kNone && told + 3 >= 112;
    };
    unsigned mask = 0;
    do {
      ++mask;
      for (std::size_t k = 0; k < i; ++k)
        block[-1 - static_cast<std::ptrdiff_t>(k)] = kept[i - 1 - k] ^ std::byte(mask);
    } while (passes_for_a_pad());
    this->expect_refused(FaultKind::write_before_start, block, block - i);
    std::copy(kept, kept + i, block - i);
  }
  ASSERT_EQ(this->tested_.give(left), FaultKind::none);
  for (std::ptrdiff_t i = 1; i <= 16; ++i) {
    const std::byte kept = std::exchange(block[-i], std::byte{0x55});
    this->expect_refused(FaultKind::write_before_start, block, block - i);
    EXPECT_TRUE(has(this->tested_.faults(), FaultKind::write_after_free, block - i));
    block[-i] = kept;
  }
}

TYPED_TEST(CheckedSlab, SeesAnyByteOfAFreeSlotWrittenTo) {
  std::byte* const block = this->tested_.take(kRequest);
  ASSERT_EQ(this->tested_.give(block), FaultKind::none);
  for (std::size_t i = 0; i < 112; ++i) {
    block[i] ^= std::byte{4};
    EXPECT_TRUE(has(this->tested_.faults(), FaultKind::write_after_free, block + i));
    void* slot = nullptr;
    ASSERT_EQ(this->tested_.slab().take({&slot, 1}), 1U);
    ASSERT_EQ(slot, block);
    EXPECT_FALSE(this->tested_.slab().try_serve(slot, kRequest, Kind::by_malloc));
    const Allocation refused = this->tested_.slab().serve(slot, kRequest, Kind::by_malloc);
    EXPECT_EQ(refused.kind, FaultKind::write_after_free);
    EXPECT_EQ(refused.payload, block + i);
    block[i] ^= std::byte{4};
    this->tested_.slab().give(slot);
  }
}

// What an owner gets is poison as far as its request reaches, be its pad long or short.
TYPED_TEST(CheckedSlab, HandsOutPoison) {
  for (std::size_t requested = 0; requested < 112; ++requested) {
    std::byte* const block = this->tested_.take(requested);
    EXPECT_EQ(first_other(block, requested, TestFixture::kPolicy.poison_byte), nullptr) << requested;
    ASSERT_EQ(this->tested_.give(block), FaultKind::none);
  }
}

// Memory that is not zero is poison before it is anybody's.
TYPED_TEST(CheckedSlab, PoisonsWhatItCarvesOfUsedMemory) {
  SlabUnderTest<TestFixture::kPolicy> used(kHundred, false);
  for (std::uint32_t i = 0; i < used.slab().slots(); ++i) ASSERT_NE(used.take(kRequest), nullptr);
  EXPECT_TRUE(used.faults().empty());
}

// I20: every bit of every record that tells of a slot.
TYPED_TEST(SlabUnit, SeesEachFlippedBitOfItsRecords) {
  std::byte* const live = this->tested_.take(kRequest);
  std::byte* const freed = this->tested_.take(kRequest);
  ASSERT_NE(live, nullptr);
  ASSERT_EQ(this->tested_.give(freed), FaultKind::none);
  ASSERT_TRUE(this->tested_.faults().empty());
  for (std::uint32_t slot = 0; slot < 4; ++slot) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      SlotStateCell& cell = this->tested_.state(slot);
      const SlotState right = cell;
      cell = SlotState::from(static_cast<std::uint8_t>(right.bits() ^ 1U << bit));
      EXPECT_FALSE(this->tested_.faults().empty()) << "slot " << slot << " bit " << bit;
      cell = right;
    }
    this->tested_.free_bits(0) ^= std::uint64_t{1} << slot;
    EXPECT_FALSE(this->tested_.faults().empty()) << "free bit " << slot;
    this->tested_.free_bits(0) ^= std::uint64_t{1} << slot;
  }
}

TYPED_TEST(SlabUnit, ShowsTheFreeBitsOfSlotsThatNobodyHasHadYet) {
  std::byte* const freed = this->tested_.take(kRequest);
  ASSERT_EQ(this->tested_.give(freed), FaultKind::none);
  const std::uint64_t right = this->tested_.free_bits(0);
  ASSERT_EQ(right >> 63U, 0U) << "its last slot has not been carved";
  this->tested_.free_bits(0) = right | std::uint64_t{1} << 63U;
  const std::vector<Fault> faults = this->tested_.faults();
  this->tested_.free_bits(0) = right;
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].kind, FaultKind::descriptor_corrupt);
  EXPECT_EQ(faults[0].expected, right);
  EXPECT_EQ(faults[0].found, right | std::uint64_t{1} << 63U);
}

// Of a bit that says of a slot in use that it rests, and of one that was lost, no harm comes.
TYPED_TEST(SlabUnit, HandsOutNoSlotThatOnlyItsFreeBitCallsFree) {
  SlabUnderTest<TestFixture::kPolicy> under(class_for(1024));
  std::vector<std::byte*> live;
  while (std::byte* const at = under.take(1)) live.push_back(at);
  ASSERT_EQ(under.give(live[5]), FaultKind::none);
  under.free_bits(0) |= 1U << 3;
  EXPECT_EQ(under.take(1), live[5]);
  EXPECT_EQ(under.take(1), nullptr);
  EXPECT_EQ(under.give(live[7]), FaultKind::none);
  under.free_bits(0) = 0;
  EXPECT_EQ(under.take(1), nullptr);
  EXPECT_FALSE(under.faults().empty());
}

// Nor of one of a slot that nobody has had: its state is what a resting one's is, and it would be handed out once more when it
// is carved.
TYPED_TEST(SlabUnit, HandsOutNoSlotTwiceOfWhichAFreeBitSpokeTooEarly) {
  auto& slab = this->tested_.slab();
  for (std::uint32_t i = 0; i < 3; ++i) ASSERT_NE(this->tested_.take(kRequest), nullptr);
  ASSERT_EQ(this->tested_.give(slab.slot_at(1)), FaultKind::none);
  ASSERT_EQ(this->tested_.give(slab.slot_at(2)), FaultKind::none);
  this->tested_.free_bits(0) |= std::uint64_t{1} << 5 | std::uint64_t{1} << 63;
  EXPECT_FALSE(this->tested_.faults().empty());
  std::vector<void*> all(slab.slots());
  const std::size_t taken = slab.take(all);
  EXPECT_EQ(taken, slab.slots() - 1U);
  EXPECT_EQ(std::set<void*>(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(taken)).size(), taken);
}

// Every page on which nothing but slots that rest lies, and no other.
TYPED_TEST(SlabUnit, GivesUpThePagesOfItsFreeSlotsOnly) {
  constexpr std::size_t kPage = 4096;
  if constexpr (!TestFixture::kPolicy.poison || TestFixture::kPolicy.poison_byte == 0) {
    for (const std::size_t bytes : {std::size_t{48}, std::size_t{1024}, std::size_t{3584}}) {
      SlabUnderTest<TestFixture::kPolicy> under(class_for(bytes));
      auto& slab = under.slab();
      std::vector<std::byte*> live;
      while (std::byte* const at = under.take(1)) live.push_back(at);
      std::vector<bool> used(SlabUnderTest<TestFixture::kPolicy>::kBytes / kPage, false);
      const std::byte* const base = slab.layout().base;
      const auto page_of = [&](const std::byte* at) { return static_cast<std::size_t>(at - base) / kPage; };
      for (std::byte* const at : live) {
        if (page_of(at) % 4 == 1) {
          for (std::size_t page = page_of(at); page <= page_of(at + slab.slot_size() - 1); ++page) used[page] = true;
        } else {
          ASSERT_EQ(under.give(at), FaultKind::none);
        }
      }
      used.resize(page_of(base + slab.slots() * slab.slot_size()));  // pages that slots fill
      std::vector<bool> purged(used.size(), false);
      const auto purge = [&](const std::byte* at, std::size_t n) {
        for (std::size_t page = page_of(at); page < page_of(at + n); ++page) purged.at(page) = true;
        return true;
      };
      EXPECT_TRUE(slab.purge_free(kPage, purge));
      for (std::size_t page = 0; page < used.size(); ++page)
        EXPECT_NE(purged[page], used[page]) << bytes << ": " << page;
      EXPECT_FALSE(slab.purge_free(kPage, purge)) << "nothing came to rest since";
    }
  }
}

TYPED_TEST(SlabUnit, GivesUpNoPageOfASlotThatOnlyItsFreeBitCallsFree) {
  if constexpr (!TestFixture::kPolicy.poison || TestFixture::kPolicy.poison_byte == 0) {
    SlabUnderTest<TestFixture::kPolicy> under(class_for(8192));
    std::vector<std::byte*> live;
    while (std::byte* const at = under.take(1)) live.push_back(at);
    ASSERT_EQ(under.give(live[5]), FaultKind::none);
    under.free_bits(0) |= 1U << 3;
    std::vector<const std::byte*> purged;
    const auto purge = [&](const std::byte* at, std::size_t) {
      purged.push_back(at);
      return true;
    };
    EXPECT_TRUE(under.slab().purge_free(4096, purge));
    EXPECT_EQ(purged, std::vector<const std::byte*>{live[5]});
  }
}

TYPED_TEST(SlabUnit, ShowsEachCarvedSlotInAWalk) {
  std::byte* const live = this->tested_.take(kRequest, Kind::by_new);
  std::byte* const freed = this->tested_.take(kRequest);
  std::byte* const waiting = this->tested_.take(kRequest);
  ASSERT_EQ(this->tested_.give(freed), FaultKind::none);
  ASSERT_FALSE(this->tested_.slab().release(waiting, kFromMalloc, Rest::quarantine).is_fault());
  const std::vector<BlockView> blocks = blocks_of(this->tested_.slab());
  ASSERT_EQ(blocks.size(), 3U);
  EXPECT_EQ(blocks[0].payload, live);
  EXPECT_EQ(blocks[0].requested, TestFixture::kPolicy.canary ? kRequest : 112);
  EXPECT_EQ(blocks[0].served, 112U);
  EXPECT_EQ(blocks[0].kind, Kind::by_new);
  EXPECT_EQ(blocks[0].state, BlockState::live);
  EXPECT_EQ(blocks[1].state, BlockState::free);
  EXPECT_EQ(blocks[2].state, BlockState::retired);
}

TYPED_TEST(SlabUnit, ExplainsABlockByAnyAddressInIt) {
  std::byte* const live = this->tested_.take(kRequest);
  for (std::size_t i = 0; i < 112; ++i) {
    Fault fault;
    this->tested_.slab().explain(live + i, fault);
    EXPECT_EQ(fault.block, live);
    EXPECT_EQ(fault.served, 112U);
    EXPECT_EQ(fault.requested, TestFixture::kPolicy.canary ? kRequest : 0);
  }
}

TYPED_TEST(SlabUnit, GrowsABlockInItsSlotAndShowsNoCanary) {
  std::byte* const block = this->tested_.take(kRequest);
  ASSERT_TRUE(this->tested_.slab().resize(block, kRequest + 8));
  if (TestFixture::kPolicy.canary) {
    for (std::size_t i = kRequest; i < kRequest + 8; ++i) EXPECT_EQ(block[i], std::byte{0});
  }
  EXPECT_FALSE(this->tested_.slab().resize(block, 0));
  EXPECT_FALSE(this->tested_.slab().resize(block, 113));
  EXPECT_FALSE(this->tested_.slab().resize(block, 90));
  EXPECT_TRUE(this->tested_.faults().empty());
}

}  // namespace
}  // namespace trestle
