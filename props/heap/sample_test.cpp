// Samples: requests that get a span of their own. How many, of what, and that they come and go like others.
#include <memory>
#include <vector>

#include "heap/fixture.hpp"
#include "ops/test_os.hpp"

namespace trestle {
namespace {

template <class T>
class HeapSampleTest : public HeapTest<T> {
 protected:
  std::size_t sampled_of(std::size_t count, std::size_t size) {
    std::size_t sampled = 0;
    for (std::size_t i = 0; i < count; ++i) {
      void* made = this->heap_.allocate_hot(size, Kind::by_malloc);
      if (made == nullptr) made = take(this->heap_, size);
      sampled += this->heap_.is_alone(made);
      const bool done = this->heap_.deallocate_hot(made, {});
      EXPECT_TRUE(done || give(this->heap_, static_cast<std::byte*>(made)) == FaultKind::none);
    }
    return sampled;
  }
};
TYPED_TEST_SUITE(HeapSampleTest, EveryPolicy, PolicyNames);

TYPED_TEST(HeapSampleTest, AreNoneUnlessAskedFor) {
  for (const std::size_t size : std::initializer_list<std::size_t>{16, 5000, 100'000})
    EXPECT_EQ(this->sampled_of(300, size), 0U) << size;
}

TYPED_TEST(HeapSampleTest, AreAllWhereEachIsOne) {
  this->heap_.set_sample(1);
  const bool takes = TestFixture::kPolicy.sampled;
  for (const std::size_t size : std::initializer_list<std::size_t>{1, 16, 5000, 32 << 10, 100'000, 256 << 10})
    EXPECT_EQ(this->sampled_of(50, size), takes ? 50U : 0U) << size;
  EXPECT_EQ(this->sampled_of(5, 0), 0U) << "nothing can be accessed there anyway";
  this->heap_.set_sample(0);
  EXPECT_EQ(this->sampled_of(50, 16), 0U);
}

// A mean of one in ten, of which the number of a thousand deviates by less than a tenth's own size.
TYPED_TEST(HeapSampleTest, AreAboutAsManyAsAskedFor) {
  if (!TestFixture::kPolicy.sampled) GTEST_SKIP() << "it takes none";
  this->heap_.set_sample(10);
  for (const std::size_t size : std::initializer_list<std::size_t>{16, 5000, 100'000}) {
    const std::size_t sampled = this->sampled_of(10'000, size);
    EXPECT_GT(sampled, 900U) << size;
    EXPECT_LT(sampled, 1100U) << size;
  }
  EXPECT_TRUE(faults_of(this->heap_).empty());
}

TYPED_TEST(HeapSampleTest, EndAtAGuardPageAndAreServedAsAskedFor) {
  if (!TestFixture::kPolicy.sampled) GTEST_SKIP() << "it takes none";
  this->heap_.set_sample(1);
  for (const std::size_t alignment : std::initializer_list<std::size_t>{16, 64, 4096, 1 << 20})
    for (const std::size_t size : std::initializer_list<std::size_t>{1, 16, 100, 4096, 5000, 100'000}) {
      const Allocation made = this->heap_.allocate(size, alignment, Kind::by_new);
      auto* const at = static_cast<std::byte*>(made.payload);
      ASSERT_NE(at, nullptr);
      EXPECT_TRUE(is_aligned(at, alignment));
      EXPECT_EQ(this->heap_.usable_size(at).bytes, size);
      std::memset(at, 1, size);
      std::byte* const fence = at + (align_up(address_of(at) + size, kOsPage) - address_of(at));
      EXPECT_EQ(this->heap_.explain_access(fence).kind, FaultKind::access_past_end);
      EXPECT_EQ(this->heap_.explain_access(fence).block, at);
      EXPECT_TRUE(size % alignment != 0 || fence == at + size);
      EXPECT_EQ(this->heap_.deallocate(at, {Kind::by_new, size, alignment}).kind, FaultKind::none);
      EXPECT_EQ(this->heap_.explain_access(at).kind, FaultKind::access_after_free);
    }
  EXPECT_TRUE(faults_of(this->heap_).empty());
}

TYPED_TEST(HeapSampleTest, BeginAtAGuardPageWhereTheyLieTheOtherWayRound) {
  if (!TestFixture::kPolicy.sampled) GTEST_SKIP() << "it takes none";
  this->heap_.set_sample(1, 1);
  for (const std::size_t alignment : std::initializer_list<std::size_t>{16, 64, 4096, 1 << 13, 1 << 16, 1 << 17})
    for (const std::size_t size : std::initializer_list<std::size_t>{1, 16, 100, 4096, 5000, 57'400, 61'440, 100'000}) {
      const Allocation made = this->heap_.allocate(size, alignment, Kind::by_new);
      auto* const at = static_cast<std::byte*>(made.payload);
      ASSERT_NE(at, nullptr);
      EXPECT_TRUE(is_aligned(at, std::max(alignment, kOsPage)));
      EXPECT_EQ(this->heap_.usable_size(at).bytes, size);
      std::memset(at, 1, size);
      for (const std::size_t below : {std::size_t{1}, std::size_t{kOsPage}}) {
        EXPECT_EQ(this->heap_.explain_access(at - below).kind, FaultKind::access_before_start);
        EXPECT_EQ(this->heap_.explain_access(at - below).block, at);
      }
      EXPECT_EQ(this->heap_.explain_access(at).kind, FaultKind::none);
      std::byte* const fence = at + align_up(size, kOsPage);
      EXPECT_EQ(this->heap_.explain_access(fence).kind, FaultKind::access_past_end);
      EXPECT_TRUE(faults_of(this->heap_).empty());
      if (size % kOsPage != 0) {  // what is left of its last page
        at[size] ^= std::byte{1};
        const std::vector<Fault> faults = faults_of(this->heap_);
        EXPECT_TRUE(faults.size() == 1 && faults[0].kind == FaultKind::write_past_end);
        EXPECT_EQ(this->heap_.deallocate(at, {Kind::by_new, size, alignment}).kind, FaultKind::write_past_end);
        at[size] ^= std::byte{1};
      }
      EXPECT_EQ(this->heap_.deallocate(at, {Kind::by_new, size, alignment}).kind, FaultKind::none);
      EXPECT_EQ(this->heap_.explain_access(at).kind, FaultKind::access_after_free);
      EXPECT_EQ(this->heap_.explain_access(at - 1).kind, FaultKind::access_after_free);
    }
  EXPECT_TRUE(faults_of(this->heap_).empty());
}

// One in four of them, of which the number of a thousand deviates by less than a fifth.
TYPED_TEST(HeapSampleTest, LieTheOtherWayRoundAsOftenAsAskedFor) {
  if (!TestFixture::kPolicy.sampled) GTEST_SKIP() << "it takes none";
  this->heap_.set_sample(1, 4);
  std::size_t below = 0;
  for (int i = 0; i < 1000; ++i) {
    std::byte* const at = take(this->heap_, 16);
    below += this->heap_.explain_access(at - 1).kind == FaultKind::access_before_start ? 1 : 0;
    EXPECT_EQ(give(this->heap_, at), FaultKind::none);
  }
  EXPECT_GT(below, 200U);
  EXPECT_LT(below, 300U);
}

// Wherever the system refuses to lift a guard: then the address is not used until it can be, and nothing stays guarded.
TYPED_TEST(HeapSampleTest, LeaveNoGuardBehind) {
  if (!TestFixture::kPolicy.sampled) GTEST_SKIP() << "it takes none";
  using Heap = Heap<TestFixture::kPolicy, ops::TestOs>;
  int used_again = 0;
  for (std::size_t refused = 0; refused < 5; ++refused) {
    ops::TestArena memory;
    const auto heap = std::make_unique<Heap>(ops::TestOs{memory});
    ASSERT_TRUE(heap->start({.secret = 1, .region_bytes = 16 * kMiB, .commit_bytes = 4 * kMiB}));
    heap->set_sample(1, 1);
    std::byte* const at = take(*heap, 40'000);
    ASSERT_NE(at, nullptr);
    memory.refuse(refused);
    EXPECT_EQ(give(*heap, at), FaultKind::none);
    EXPECT_EQ(give(*heap, at), FaultKind::double_free);
    for (int tries = 0; tries < 3; ++tries) heap->trim(0);
    heap->set_sample(0);
    bool is_used = false;
    for (int i = 0; i < 300; ++i) {  // more than may wait
      constexpr std::size_t kBytes = 5 * kGranule;
      std::byte* const other = take(*heap, kBytes);
      ASSERT_NE(other, nullptr);
      is_used = is_used || (align_down(address_of(other), kGranule) <= address_of(at) && at < other + kBytes);
      ASSERT_TRUE(memory.is_accessible(other, kBytes)) << refused;
      EXPECT_EQ(give(*heap, other), FaultKind::none);
    }
    used_again += is_used ? 1 : 0;
    EXPECT_TRUE(faults_of(*heap).empty());
    EXPECT_STREQ(memory.breach(), nullptr) << refused;
    heap->stop();
  }
  EXPECT_GE(used_again, 3) << "else another's guard lies there by now";
}

// One guard was lifted and the other not: the rest is done later, and not twice.
TYPED_TEST(HeapSampleTest, GoOnWithGuardsThatWereLiftedInPart) {
  if (!TestFixture::kPolicy.sampled) GTEST_SKIP() << "it takes none";
  using Heap = Heap<TestFixture::kPolicy, ops::TestOs>;
  ops::TestArena memory;
  const auto heap = std::make_unique<Heap>(ops::TestOs{memory});
  ASSERT_TRUE(heap->start({.secret = 1, .region_bytes = 16 * kMiB, .commit_bytes = 4 * kMiB}));
  ASSERT_EQ(give(*heap, take(*heap, 64)), FaultKind::none);
  heap->set_sample(1, 1);
  std::byte* const at = take(*heap, 40'000);
  memory.refuse(1);  // what is below stays guarded
  EXPECT_EQ(give(*heap, at), FaultKind::none);
  memory.refuse(2);  // that is lifted, the fence is not
  heap->trim(0);
  memory.refuse(0);
  EXPECT_TRUE(faults_of(*heap).empty());
  EXPECT_TRUE(heap->trim(0));
  EXPECT_STREQ(memory.breach(), nullptr);
  EXPECT_TRUE(memory.is_accessible(at - kOsPage, kGranule));
  heap->stop();
}
TYPED_TEST(HeapSampleTest, LiftNoGuardThatIsNotThere) {
  if (!TestFixture::kPolicy.sampled) GTEST_SKIP() << "it takes none";
  using Heap = Heap<TestFixture::kPolicy, ops::TestOs>;
  ops::TestArena memory;
  const auto heap = std::make_unique<Heap>(ops::TestOs{memory});
  ASSERT_TRUE(heap->start({.secret = 1, .region_bytes = 16 * kMiB, .commit_bytes = 4 * kMiB}));
  ASSERT_EQ(give(*heap, take(*heap, 64)), FaultKind::none);
  heap->set_sample(1, 1);
  memory.refuse(1);  // the fence
  std::byte* const at = take(*heap, 40'000);
  memory.refuse(1);  // and then what is below is not lifted
  EXPECT_TRUE(memory.is_accessible(at + 40'960, 1) && !memory.is_accessible(at - 1, 1));
  EXPECT_EQ(give(*heap, at), FaultKind::none);
  memory.refuse(0);
  heap->trim(0);
  EXPECT_STREQ(memory.breach(), nullptr);
  heap->stop();
}

// Where the system guards nothing, the bytes before it are watched instead.
TYPED_TEST(HeapSampleTest, HaveACanaryWhereNothingCanBeGuarded) {
  if (!TestFixture::kPolicy.sampled) GTEST_SKIP() << "it takes none";
  using Heap = Heap<TestFixture::kPolicy, ops::TestOs>;
  ops::TestArena memory;
  const auto heap = std::make_unique<Heap>(ops::TestOs{memory});
  ASSERT_TRUE(heap->start({.secret = 1, .region_bytes = 16 * kMiB, .commit_bytes = 4 * kMiB}));
  ASSERT_EQ(give(*heap, take(*heap, 64)), FaultKind::none);
  heap->set_sample(1, 1);
  memory.refuse(1, 1);
  std::byte* const at = take(*heap, 64);
  memory.refuse(0);
  ASSERT_NE(at, nullptr);
  EXPECT_TRUE(heap->is_alone(at));
  EXPECT_EQ(heap->explain_access(at - 1).kind, FaultKind::none);
  at[-1] ^= std::byte{1};
  EXPECT_EQ(give(*heap, at), FaultKind::write_before_start);
  at[-1] ^= std::byte{1};
  EXPECT_EQ(give(*heap, at), FaultKind::none);
  EXPECT_TRUE(faults_of(*heap).empty());
  heap->stop();
}

// Also when it goes from tier to tier, sampled or not.
TYPED_TEST(HeapSampleTest, KeepTheirContentsInRealloc) {
  std::byte* at = take(this->heap_, 10);
  std::memset(at, 0x5A, 10);
  std::size_t kept = 10;
  const std::size_t sizes[] = {20, 3000, 100'000, 500'000, 60, 2000, 30, 400'000, 40'000, 12};
  std::uint64_t every = 0;
  for (const std::size_t size : sizes) {
    this->heap_.set_sample(every, 2);
    every = every == 0 ? 1 : 0;
    const Allocation again = this->heap_.reallocate(at, size);
    ASSERT_FALSE(again.is_fault());
    at = static_cast<std::byte*>(again.payload);
    kept = std::min(kept, size);
    for (std::size_t i = 0; i < kept; ++i) ASSERT_EQ(at[i], std::byte{0x5A}) << size;
    EXPECT_EQ(this->heap_.usable_size(at).bytes >= size, true);
    EXPECT_TRUE(faults_of(this->heap_).empty()) << size;
  }
  EXPECT_EQ(give(this->heap_, at), FaultKind::none);
}

TYPED_TEST(HeapSampleTest, AreZeroedByCalloc) {
  this->heap_.set_sample(1);
  for (int round = 0; round < 3; ++round)
    for (const std::size_t size : std::initializer_list<std::size_t>{16, 3000, 100'000}) {
      const Allocation made = this->heap_.allocate_zeroed(size, Kind::by_malloc);
      auto* const at = static_cast<std::byte*>(made.payload);
      ASSERT_NE(at, nullptr);
      for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(at[i], std::byte{0});
      std::memset(at, 7, size);
      EXPECT_EQ(give(this->heap_, at), FaultKind::none);
    }
}

TYPED_TEST(HeapSampleTest, WaitLongerWhenFreed) {
  if (!TestFixture::kPolicy.sampled) GTEST_SKIP() << "it takes none";
  this->heap_.set_sample(1);
  std::byte* const first = take(this->heap_, 100);
  ASSERT_EQ(give(this->heap_, first), FaultKind::none);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(give(this->heap_, take(this->heap_, 100)), FaultKind::none);
  EXPECT_EQ(this->heap_.explain_access(first).kind, FaultKind::access_after_free);
  EXPECT_EQ(give(this->heap_, first), FaultKind::double_free);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(give(this->heap_, take(this->heap_, 100)), FaultKind::none);
  EXPECT_LE(this->heap_.stats().retired_blocks, 1024U + TestFixture::kPolicy.large_quarantine_spans) << "bounded";
}

// One that could not be made, since memory was short, is not the last of its class.
TYPED_TEST(HeapSampleTest, GoOnAfterMemoryWasShort) {
  using Heap = Heap<TestFixture::kPolicy, ops::TestOs>;
  ops::TestArena memory;
  const auto heap = std::make_unique<Heap>(ops::TestOs{memory});
  ASSERT_TRUE(heap->start({.secret = 1, .region_bytes = 16 * kMiB, .commit_bytes = kGranule}));
  const auto sampled = [&] {
    std::size_t count = 0;
    for (int i = 0; i < 40; ++i) {
      std::byte* const at = take(*heap, 64);
      EXPECT_NE(at, nullptr);
      count += heap->is_alone(at);
      EXPECT_EQ(give(*heap, at), FaultKind::none);
    }
    return count;
  };
  EXPECT_EQ(sampled(), 0U);
  heap->set_sample(2);
  memory.refuse(1, 1);
  EXPECT_EQ(sampled(), 0U);
  memory.refuse(0);
  EXPECT_EQ(sampled() > 5, TestFixture::kPolicy.sampled);
  heap->stop();
}

// Which they are depends on the secret, and on nothing else.
TYPED_TEST(HeapSampleTest, AreOthersUnderAnotherSecret) {
  const auto sampled_under = [&](std::uint64_t secret, std::size_t size) {
    this->heap_.stop();
    HeapConfig config = TestFixture::kConfig;
    config.secret = secret;
    EXPECT_TRUE(this->heap_.start(config));
    this->heap_.set_sample(20);
    std::vector<int> sampled;
    for (int i = 0; i < 400; ++i) {
      std::byte* const at = take(this->heap_, size);
      if (this->heap_.is_alone(at)) sampled.push_back(i);
      EXPECT_EQ(give(this->heap_, at), FaultKind::none);
    }
    return sampled;
  };
  for (const std::size_t size : {std::size_t{100}, 100 * kKiB}) {
    const std::vector<int> first = sampled_under(1, size);
    EXPECT_EQ(first, sampled_under(1, size)) << size;
    EXPECT_EQ(first == sampled_under(2, size), !TestFixture::kPolicy.sampled) << size;
  }
}

// What is large does not wait longer for it.
TYPED_TEST(HeapSampleTest, LeaveLargeBlocksTheirQuarantine) {
  this->heap_.set_sample(1);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(give(this->heap_, take(this->heap_, 10 * kMiB)), FaultKind::none);
  EXPECT_LE(this->heap_.stats().retired_blocks, std::max<std::size_t>(TestFixture::kPolicy.large_quarantine_spans, 16));
}

// Where address space is short, they are not what uses it up.
TYPED_TEST(HeapSampleTest, EndWhereTheyWouldLeaveNoRoom) {
  this->heap_.stop();
  HeapConfig config = TestFixture::kConfig;
  config.region_bytes = 32 * kMiB;
  ASSERT_TRUE(this->heap_.start(config));
  this->heap_.set_sample(1);
  std::size_t alone = 0;
  for (int i = 0; i < 2000; ++i) {
    std::byte* const at = take(this->heap_, 64);
    ASSERT_NE(at, nullptr);
    alone += this->heap_.is_alone(at);
  }
  EXPECT_LE(alone, 257U) << "of 512 granules, and the one that passes the half";
  EXPECT_EQ(alone != 0, TestFixture::kPolicy.sampled);
}

}  // namespace
}  // namespace trestle
