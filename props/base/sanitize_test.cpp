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

// Whatever the range's length, and wherever in it the one forbidden byte lies.
TEST(SanitizeDeathTest, EachByteOfARangeIsAskedAbout) {
  constexpr std::size_t kLong = 1024;
  alignas(8) static std::byte bytes[kLong];
  for (const std::size_t length : {std::size_t{8}, std::size_t{100}, std::size_t{256}, std::size_t{263}, kLong}) {
    for (const std::size_t eight : {std::size_t{0}, length / 16, (length - 1) / 8}) {
      __asan_poison_memory_region(bytes + eight * 8, 8);
      EXPECT_DEATH((void)first_other(bytes, length, 0), "use-after-poison") << length << ", " << eight;
      __asan_unpoison_memory_region(bytes + eight * 8, 8);
    }
    EXPECT_EQ(first_other(bytes, length, 0), nullptr);
  }
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
