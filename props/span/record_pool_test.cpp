#include "span/record_pool.hpp"

#include <gtest/gtest.h>

#include "base/poison.hpp"
#include "ops/test_os.hpp"

namespace trestle {
namespace {

using ops::TestArena;
using ops::TestOs;

class RecordPoolTest : public testing::Test {
 protected:
  void TearDown() override {
    pool_.stop(os_);
    EXPECT_FALSE(memory_.has_reservations());
    EXPECT_EQ(memory_.breach(), nullptr);
  }

  TestArena memory_;
  TestOs os_{memory_};
  RecordPool<TestOs> pool_;
};

TEST_F(RecordPoolTest, RecordsAreZeroAlignedAndApartInEveryChunk) {
  std::size_t sum = 0;
  for (std::size_t bytes = 1; sum < (std::size_t{2} << 20); bytes = bytes * 5 % 40009 + 1) {
    std::byte* const at = pool_.allocate(os_, bytes);
    ASSERT_NE(at, nullptr);
    EXPECT_TRUE(is_aligned(at, kRecordAlignment));
    ASSERT_EQ(first_other(at, bytes, 0), nullptr);
    fill(at, bytes, 0xEE);
    sum += bytes;
  }
  EXPECT_GE(pool_.committed_bytes(), sum);
}

TEST_F(RecordPoolTest, ARequestBeyondAChunkGetsOneOfItsOwn) {
  constexpr std::size_t kBytes = std::size_t{3} << 20;
  std::byte* const at = pool_.allocate(os_, kBytes);
  ASSERT_NE(at, nullptr);
  EXPECT_EQ(first_other(at, kBytes, 0), nullptr);
  EXPECT_NE(pool_.allocate(os_, 1), nullptr);
}

TEST_F(RecordPoolTest, BesideARecordNothingCanBeAccessed) {
  std::byte* const at = pool_.allocate(os_, 100);
  EXPECT_TRUE(memory_.is_accessible(at, 100));
  EXPECT_FALSE(memory_.is_accessible(at - kOsPage, 1)) << "the first of its chunk";
}

TEST_F(RecordPoolTest, ARefusalIsNullAndLosesNothing) {
  for (std::size_t nth = 1; nth <= 2; ++nth) {
    memory_.refuse(nth);
    EXPECT_EQ(pool_.allocate(os_, 100), nullptr) << nth;
    memory_.refuse(0);
  }
  EXPECT_NE(pool_.allocate(os_, 100), nullptr);
}

}  // namespace
}  // namespace trestle
