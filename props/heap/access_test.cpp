// What a Heap says of an access that the hardware refused: whose memory it was, and why it is closed.
#include "heap/fixture.hpp"

namespace trestle {
namespace {

template <class T>
class HeapAccessTest : public HeapTest<T> {
 protected:
  static constexpr std::size_t kLarge = 2 * kMiB + 1000;
  void expect(const void* at, FaultKind kind, const void* block, std::size_t requested) {
    const Fault fault = this->heap_.explain_access(at);
    EXPECT_STREQ(traits_of(fault.kind).name, traits_of(kind).name);
    EXPECT_EQ(fault.address, at);
    EXPECT_EQ(fault.block, block);
    EXPECT_EQ(fault.requested, requested);
  }
};
TYPED_TEST_SUITE(HeapAccessTest, EveryPolicy, PolicyNames);

TYPED_TEST(HeapAccessTest, PastALargeBlock) {
  std::byte* const large = take(this->heap_, this->kLarge);
  std::byte* const fence = large + align_up(address_of(large + this->kLarge), kOsPage) - address_of(large);
  this->expect(fence, FaultKind::access_past_end, large, this->kLarge);
  this->expect(fence + kOsPage - 1, FaultKind::access_past_end, large, this->kLarge);
  this->expect(fence - 1, FaultKind::none, nullptr, 0);  // its own page, whoever closed that
  this->expect(large, FaultKind::none, nullptr, 0);
}

TYPED_TEST(HeapAccessTest, AfterFreeOfALargeBlock) {
  std::byte* const large = take(this->heap_, this->kLarge);
  ASSERT_EQ(give(this->heap_, large), FaultKind::none);
  for (const std::size_t i : {std::size_t{0}, std::size_t{1000}, this->kLarge - 1, this->kLarge + kOsPage})
    this->expect(large + i, FaultKind::access_after_free, large, this->kLarge);
}

TYPED_TEST(HeapAccessTest, ToABlockOfNoBytes) {
  std::byte* const first = take(this->heap_, 0);
  std::byte* const second = take(this->heap_, 0);
  this->expect(second, FaultKind::access_past_end, second, 0);
  this->expect(second + 5, FaultKind::access_past_end, second, 0);
  ASSERT_EQ(give(this->heap_, second), FaultKind::none);
  this->expect(second + 5, FaultKind::access_after_free, second, 0);
  this->expect(first, FaultKind::access_past_end, first, 0);
  this->expect(first + kGranule / 2, FaultKind::wild_access, nullptr, 0);  // no slot has been made of that
}

TYPED_TEST(HeapAccessTest, PastASpanOfBlocks) {
  ASSERT_NE(take(this->heap_, kAnyBlockRequest), nullptr);
  const std::byte* end = nullptr;
  this->heap_.for_each_span([&](const SpanDescriptor& span, const std::byte* start) {
    if (span.state == SpanState::blocks) end = start + span.length.bytes();
  });
  ASSERT_NE(end, nullptr);
  this->expect(end - 1, FaultKind::access_past_end, nullptr, 0);
  this->expect(end - kOsPage, FaultKind::access_past_end, nullptr, 0);
  this->expect(end - kOsPage - 1, FaultKind::none, nullptr, 0);  // whoever closed that
}

TYPED_TEST(HeapAccessTest, ToWhatNobodyHas) {
  std::byte* const block = take(this->heap_, 100);
  this->expect(block + (std::size_t{1} << 31), FaultKind::wild_access, nullptr, 0);
  this->expect(block, FaultKind::none, nullptr, 0);
  int local = 0;
  this->expect(&local, FaultKind::none, nullptr, 0);
  this->expect(nullptr, FaultKind::none, nullptr, 0);
}

}  // namespace
}  // namespace trestle
