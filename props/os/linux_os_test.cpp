// LinuxOs on real memory, held to the contract that os.hpp states.
#include "os/linux_os.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "base/arith.hpp"
#include "child.hpp"

namespace trestle {
namespace {

constexpr std::size_t kBytes = 64 * kOsPage;

bool reads_as(const std::byte* at, std::size_t bytes, std::byte value) {
  return std::all_of(at, at + bytes, [&](std::byte byte) { return byte == value; });
}

std::size_t resident_pages(std::byte* at, std::size_t bytes) {
  std::vector<unsigned char> in(bytes / kOsPage);
  EXPECT_EQ(mincore(at, bytes, in.data()), 0);
  return static_cast<std::size_t>(
      std::count_if(in.begin(), in.end(), [](unsigned char page) { return (page & 1) != 0; }));
}

class LinuxOsTest : public testing::Test {
 protected:
  void SetUp() override {
    at_ = os_.reserve(kBytes, kOsPage);
    ASSERT_NE(at_, nullptr);
  }
  void TearDown() override { os_.release(at_, kBytes); }

  void commit_and_fill(std::byte value = std::byte{0x77}) {
    ASSERT_TRUE(os_.commit(at_, kBytes));
    std::fill_n(at_, kBytes, value);
  }

  LinuxOs os_;
  std::byte* at_ = nullptr;
};

TEST_F(LinuxOsTest, ReservesAtEveryAlignment) {
  for (std::size_t alignment = kOsPage; alignment <= std::size_t{1} << 30; alignment *= 4) {
    std::byte* const at = os_.reserve(kBytes, alignment);
    ASSERT_NE(at, nullptr);
    EXPECT_TRUE(is_aligned(at, alignment)) << alignment;
    os_.release(at, kBytes);
    std::byte probe{};
    EXPECT_FALSE(os::read_own_memory(at, &probe, 1)) << "still there after release";
  }
}

TEST_F(LinuxOsTest, RefusesWhatNoAddressSpaceHolds) {
  errno = 77;
  EXPECT_EQ(os_.reserve(std::size_t{1} << 62, kOsPage), nullptr);
  EXPECT_EQ(os_.reserve(static_cast<std::size_t>(PTRDIFF_MAX) & ~(kOsPage - 1), std::size_t{1} << 40), nullptr);
  EXPECT_EQ(errno, 77);
}

TEST_F(LinuxOsTest, AReservationHasNoAccessUntilItIsCommitted) {
  EXPECT_TRUE(kills_reader(at_));
  EXPECT_TRUE(kills_writer(at_ + kBytes - 1));
  ASSERT_TRUE(os_.commit(at_ + kOsPage, kOsPage));
  EXPECT_TRUE(reads_as(at_ + kOsPage, kOsPage, std::byte{0}));
  EXPECT_TRUE(kills_reader(at_ + kOsPage - 1));
  EXPECT_TRUE(kills_reader(at_ + 2 * kOsPage));
}

TEST_F(LinuxOsTest, ASecondCommitKeepsTheContents) {
  commit_and_fill();
  ASSERT_TRUE(os_.commit(at_, kBytes));
  EXPECT_TRUE(reads_as(at_, kBytes, std::byte{0x77}));
}

TEST_F(LinuxOsTest, PurgeGivesThePagesBackAndReadsAsZero) {
  commit_and_fill();
  EXPECT_EQ(resident_pages(at_, kBytes), kBytes / kOsPage);
  ASSERT_TRUE(os_.purge(at_ + kOsPage, 2 * kOsPage));
  EXPECT_EQ(resident_pages(at_, kBytes), kBytes / kOsPage - 2);
  EXPECT_TRUE(reads_as(at_ + kOsPage, 2 * kOsPage, std::byte{0}));
  EXPECT_TRUE(reads_as(at_, kOsPage, std::byte{0x77}));
  EXPECT_TRUE(reads_as(at_ + 3 * kOsPage, kBytes - 3 * kOsPage, std::byte{0x77}));
}

TEST_F(LinuxOsTest, AGuardFaultsOnReadAndWriteAndSparesItsNeighbours) {
  commit_and_fill();
  ASSERT_TRUE(os_.guard(at_ + 4 * kOsPage, 2 * kOsPage));
  for (const std::size_t inside : {4 * kOsPage, 6 * kOsPage - 1}) {
    EXPECT_TRUE(kills_reader(at_ + inside));
    EXPECT_TRUE(kills_writer(at_ + inside));
  }
  EXPECT_TRUE(reads_as(at_, 4 * kOsPage, std::byte{0x77}));
  EXPECT_TRUE(reads_as(at_ + 6 * kOsPage, kBytes - 6 * kOsPage, std::byte{0x77}));
}

TEST_F(LinuxOsTest, UnguardedPagesAreAccessibleAndZero) {
  commit_and_fill();
  ASSERT_TRUE(os_.guard(at_, kBytes));
  ASSERT_TRUE(os_.unguard(at_ + kOsPage, kOsPage));
  EXPECT_TRUE(reads_as(at_ + kOsPage, kOsPage, std::byte{0}));
  EXPECT_TRUE(kills_reader(at_));
  ASSERT_TRUE(os_.unguard(at_, kBytes));
  EXPECT_TRUE(reads_as(at_, kBytes, std::byte{0}));
  std::fill_n(at_, kBytes, std::byte{1});
  EXPECT_TRUE(is_readable(at_ + kBytes - 1));
}

// On both sides of the length at which it is done by another call.
TEST_F(LinuxOsTest, AClosedRangeFaultsUntilItIsOpenedAndIsZeroThen) {
  for (const std::size_t bytes :
       {4 * kOsPage, (std::size_t{256} << 10) - kOsPage, std::size_t{256} << 10, std::size_t{4} << 20}) {
    std::byte* const at = os_.reserve(bytes + 2 * kOsPage, kOsPage);
    ASSERT_TRUE(os_.commit(at, bytes + 2 * kOsPage));
    std::fill_n(at, bytes + 2 * kOsPage, std::byte{0x77});
    ASSERT_TRUE(os_.close(at + kOsPage, bytes));
    for (std::byte* const inside : {at + kOsPage, at + kOsPage + bytes - 1}) {
      EXPECT_TRUE(kills_reader(inside));
      EXPECT_TRUE(kills_writer(inside));
    }
    EXPECT_TRUE(reads_as(at, kOsPage, std::byte{0x77}));
    EXPECT_TRUE(reads_as(at + kOsPage + bytes, kOsPage, std::byte{0x77}));
    ASSERT_TRUE(os_.open(at + kOsPage, bytes));
    EXPECT_TRUE(reads_as(at + kOsPage, bytes, std::byte{0}));
    std::fill_n(at + kOsPage, bytes, std::byte{1});
    os_.release(at, bytes + 2 * kOsPage);
  }
}

TEST_F(LinuxOsTest, ARangeIsClosedAlsoWhereTheProcessMayHaveNoMoreMappings) {
  constexpr std::size_t kLong = std::size_t{4} << 20;
  std::byte* const at = os_.reserve(3 * kLong, kOsPage);
  ASSERT_TRUE(os_.commit(at, 3 * kLong));
  std::fill_n(at, 3 * kLong, std::byte{0x77});
  constexpr std::size_t kMany = std::size_t{1} << 30;
  std::byte* const many = os_.reserve(kMany, kOsPage);
  for (std::size_t i = 0; i < kMany; i += 2 * kOsPage) {
    if (mprotect(many + i, kOsPage, PROT_READ) != 0) break;
  }
  // Nothing of gtest's or a sanitizer's until there is room again: they may need a mapping as well.
  const bool refused = mprotect(at + kOsPage, kOsPage, PROT_READ) != 0;
  constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL, Linux 6.13
  const bool has_guards = madvise(at + 2 * kLong, kOsPage, kGuardInstall) == 0;
  const bool closed = os_.close(at + kLong, kLong);
  syscall(SYS_munmap, many, kMany);
  if (!refused || !has_guards) {
    EXPECT_EQ(closed, !refused);
    os_.release(at, 3 * kLong);
    GTEST_SKIP() << (refused ? "this kernel cannot guard without a mapping"
                             : "more mappings are allowed than are tried");
  }
  EXPECT_TRUE(closed);
  EXPECT_TRUE(kills_reader(at + kLong));
  EXPECT_TRUE(kills_writer(at + 2 * kLong - 1));
  EXPECT_TRUE(os_.open(at + kLong, kLong));
  EXPECT_TRUE(reads_as(at + kLong, kLong, std::byte{0}));
  EXPECT_TRUE(reads_as(at, kLong, std::byte{0x77}));
  os_.release(at, 3 * kLong);
}

TEST_F(LinuxOsTest, MovedPagesAppearElsewhereAndLeaveZeros) {
  commit_and_fill();
  std::byte* const to = os_.reserve(kBytes, kOsPage);
  ASSERT_NE(to, nullptr);
  ASSERT_TRUE(os_.commit(to, kBytes));
  at_[5] = std::byte{1};
  ASSERT_TRUE(os_.move(at_, to + kOsPage, kBytes - kOsPage));
  EXPECT_EQ(to[kOsPage + 5], std::byte{1});
  EXPECT_TRUE(reads_as(to, kOsPage, std::byte{0}));
  EXPECT_TRUE(reads_as(to + kOsPage + 6, kBytes - kOsPage - 6, std::byte{0x77}));
  EXPECT_TRUE(reads_as(at_, kBytes - kOsPage, std::byte{0}));
  EXPECT_TRUE(reads_as(at_ + kBytes - kOsPage, kOsPage, std::byte{0x77}));
  std::fill_n(at_, kBytes, std::byte{2});  // both sides stay writable
  std::fill_n(to, kBytes, std::byte{3});
  EXPECT_TRUE(reads_as(at_, kBytes, std::byte{2}));
  os_.release(to, kBytes);
}

TEST_F(LinuxOsTest, TheClockNeverRunsBackAndEntropyNeverRepeats) {
  const std::uint64_t first = os_.now_ms();
  const std::uint64_t first_ns = os::now_ns();
  for (int i = 0; i < 1000; ++i) {
    EXPECT_GE(os_.now_ms(), first);
    EXPECT_GE(os::now_ns(), first_ns);
  }
  const std::uint64_t word = os_.entropy();
  EXPECT_NE(word, os_.entropy());
}

TEST_F(LinuxOsTest, ReadsItsOwnMemoryOrSaysThatItCannot) {
  commit_and_fill();
  std::array<std::byte, 32> copy{};
  EXPECT_TRUE(os::read_own_memory(at_ + 8, copy.data(), copy.size()));
  EXPECT_TRUE(reads_as(copy.data(), copy.size(), std::byte{0x77}));
  errno = 77;
  EXPECT_FALSE(os::read_own_memory(nullptr, copy.data(), copy.size()));
  EXPECT_FALSE(os::read_own_memory(reinterpret_cast<void*>(~std::uintptr_t{4095}), copy.data(), copy.size()));
  ASSERT_TRUE(os_.guard(at_ + kOsPage, kOsPage));
  EXPECT_FALSE(os::read_own_memory(at_ + kOsPage, copy.data(), 1));
  EXPECT_FALSE(os::read_own_memory(at_ + kOsPage - 16, copy.data(), copy.size())) << "half of it is guarded";
  EXPECT_EQ(errno, 77);
}

}  // namespace
}  // namespace trestle
