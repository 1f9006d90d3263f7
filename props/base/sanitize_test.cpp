// The reads that no sanitizer instruments are asked about in front: AddressSanitizer still names the first byte out of bounds.
#include "base/sanitize.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "base/canary.hpp"
#include "base/poison.hpp"

namespace trestle {
namespace {

#if defined(TRESTLE_UNDER_ASAN)
constexpr std::size_t kBytes = 64;

TEST(SanitizeDeathTest, ASearchPastTheEndIsReported) {
  const std::unique_ptr<std::byte[]> bytes(new std::byte[kBytes]{});
  EXPECT_EQ(first_other(bytes.get(), kBytes, 0), nullptr);
  EXPECT_DEATH((void)first_other(bytes.get(), kBytes + 1, 0), "heap-buffer-overflow");
  EXPECT_DEATH((void)first_other(bytes.get() - 1, 2, 0), "heap-buffer-overflow");
}

TEST(SanitizeDeathTest, ACanaryPastTheEndIsReported) {
  const std::unique_ptr<std::byte[]> bytes(new std::byte[kBytes]{});
  write_canary(bytes.get(), 5, kBytes, 0x1234'5678'9ABC'DEF1U);
  EXPECT_EQ(broken_canary(bytes.get(), 5, kBytes, 0x1234'5678'9ABC'DEF1U), nullptr);
  EXPECT_DEATH((void)broken_canary(bytes.get(), 5, kBytes + 1, 0x1234'5678'9ABC'DEF1U), "heap-buffer-overflow");
}
#endif

TEST(Sanitize, AnEmptyRangeIsReadableAnywhere) {
  assert_readable(nullptr, 0);
  EXPECT_EQ(first_other(nullptr, 0, 1), nullptr);
}

}  // namespace
}  // namespace trestle
