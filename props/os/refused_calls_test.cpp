// LinuxOs where the kernel is older, or refuses: what it promises then, in a process that may not make the call.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <string_view>

#include "base/arith.hpp"
#include "child.hpp"
#include "os/faltering_call.hpp"
#include "os/linux_os.hpp"

namespace trestle {
namespace {

constexpr std::size_t kPages = 64;
constexpr std::size_t kBytes = kPages * kOsPage;
constexpr std::uint32_t kGuardInstall = 102;  // MADV_GUARD_INSTALL and MADV_GUARD_REMOVE, Linux 6.13
constexpr std::uint32_t kGuardRemove = 103;
constexpr int kKept = 77;  // errno, which no call of LinuxOs changes

bool fails(long call, int error) { return forbid_call(call, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)); }
bool fails_with(long call, std::size_t index, std::uint32_t value, int error) {
  return forbid_call_with(call, index, value, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error));
}
constexpr std::size_t kAdvice = 2;  // of madvise's arguments
bool is_older_kernel() {
  return fails_with(SYS_madvise, kAdvice, kGuardInstall, EINVAL) &&
         fails_with(SYS_madvise, kAdvice, kGuardRemove, EINVAL);
}

bool reads_as(const std::byte* at, std::size_t bytes, std::byte value) {
  return std::all_of(at, at + bytes, [&](std::byte byte) { return byte == value; });
}

class RefusedCalls : public testing::Test {
 protected:
  void SetUp() override {
    at_ = os_.reserve(kBytes, kOsPage);
    ASSERT_NE(at_, nullptr);
    ASSERT_TRUE(os_.commit(at_, kBytes));
    std::fill_n(at_, kBytes, kFilled);
  }
  void TearDown() override { os_.release(at_, kBytes); }

  // In a child, whose answer is the line of the first thing that does not hold, or 0.
  template <class Body>
  static void expect_in_child(Body body) {
    EXPECT_EQ(run_in_child([&] {
                errno = kKept;
                const int line = body();
                return line == 0 && errno != kKept ? 1 : line;
              }),
              0)
        << "the line, modulo 256; 1: errno has changed";
  }

  static constexpr std::byte kFilled{0x77};
  LinuxOs os_;
  std::byte* at_ = nullptr;
};
#define HOLDS(condition) \
  if (!(condition)) return __LINE__

TEST_F(RefusedCalls, GuardsAreMappingsWhereTheKernelHasNone) {
  expect_in_child([&] {
    HOLDS(is_older_kernel());
    errno = kKept;
    HOLDS(os_.guard(at_ + 4 * kOsPage, 2 * kOsPage));
    HOLDS(kills_reader(at_ + 4 * kOsPage) && kills_writer(at_ + 6 * kOsPage - 1));
    HOLDS(reads_as(at_, 4 * kOsPage, kFilled) && reads_as(at_ + 6 * kOsPage, kBytes - 6 * kOsPage, kFilled));
    HOLDS(os_.unguard(at_ + 4 * kOsPage, 2 * kOsPage));
    HOLDS(reads_as(at_ + 4 * kOsPage, 2 * kOsPage, std::byte{0}));
    std::fill_n(at_, kBytes, std::byte{1});
    return 0;
  });
}

// How many of `most` pages, each second of which is guarded, can be.
std::size_t guarded(LinuxOs& os, std::byte* at, std::size_t most) {
  std::size_t count = 0;
  while (count < most && os.guard(at + 2 * count * kOsPage, kOsPage)) ++count;
  return count;
}
constexpr std::size_t kMappings = 65530;  // that a process may have, where nobody has set another number
constexpr std::size_t kMostGuards = kMappings / 2 / 2;

TEST_F(RefusedCalls, GuardsTakeHalfOfTheMappingsAtMost) {
  std::byte* const many = os_.reserve(2 * (kMostGuards + 1) * kOsPage, kOsPage);
  ASSERT_TRUE(os_.commit(many, 2 * (kMostGuards + 1) * kOsPage));
  expect_in_child([&] {
    HOLDS(is_older_kernel());
    HOLDS(fails(SYS_openat, EACCES));  // how many there may be cannot be read
    errno = kKept;
    HOLDS(guarded(os_, many, kMostGuards + 1) == kMostGuards);
    HOLDS(!os_.guard(at_, kOsPage));
    HOLDS(is_readable(at_));
    HOLDS(os_.unguard(many, kOsPage));
    HOLDS(os_.guard(at_, kOsPage));
    HOLDS(!os_.guard(many, kOsPage));
    return 0;
  });
  os_.release(many, 2 * (kMostGuards + 1) * kOsPage);
}

// 0: it cannot be read.
unsigned long mappings_allowed() {
  unsigned long allowed = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> allowed;
  return allowed;
}

TEST_F(RefusedCalls, HowManyMappingsThereMayBeIsRead) {
  const unsigned long may_be = mappings_allowed();
  if (may_be == 0) GTEST_SKIP() << "it cannot be";
  constexpr unsigned long kTooMany = 1UL << 18;
  if (may_be > kTooMany) GTEST_SKIP() << "too many to have half of them";
  const std::size_t most = may_be / 2 / 2;
  std::byte* const many = os_.reserve(2 * (most + 1) * kOsPage, kOsPage);
  ASSERT_TRUE(os_.commit(many, 2 * (most + 1) * kOsPage));
  expect_in_child([&] {
    HOLDS(is_older_kernel());
    errno = kKept;
    HOLDS(guarded(os_, many, most + 1) == most);
    return 0;
  });
  os_.release(many, 2 * (most + 1) * kOsPage);
}

// A guard that cannot be leaves its range readable, and takes nothing of what there may be.
TEST_F(RefusedCalls, AGuardThatIsRefusedLeavesAccessAsItWas) {
  expect_in_child([&] {
    HOLDS(is_older_kernel() && fails(SYS_openat, EACCES));
    HOLDS(os_.guard(at_, kOsPage));
    constexpr std::size_t kStart = 0;  // of mprotect's arguments
    HOLDS(fails_with(SYS_mprotect, kStart, static_cast<std::uint32_t>(address_of(at_ + kOsPage)), ENOMEM));
    errno = kKept;
    for (std::size_t i = 0; i <= kMostGuards; ++i) HOLDS(!os_.guard(at_ + kOsPage, kOsPage));
    HOLDS(is_readable(at_ + kOsPage) && kills_reader(at_));
    HOLDS(os_.guard(at_ + 2 * kOsPage, kOsPage));
    HOLDS(fails(SYS_mprotect, ENOMEM));
    errno = kKept;
    HOLDS(!os_.unguard(at_, kOsPage));
    return 0;
  });
}

TEST_F(RefusedCalls, WhatIsLockedIsNotGuardedAndKeepsItsContents) {
  const auto lock = [](std::byte* at, std::size_t bytes) {
    return syscall(SYS_mlock, at, bytes) == 0;
  };  // a sanitizer's is none
  if (!lock(at_ + kOsPage, kOsPage)) GTEST_SKIP() << "no memory may be locked";
  errno = kKept;
  EXPECT_FALSE(os_.guard(at_, 2 * kOsPage));
  EXPECT_EQ(errno, kKept);
  EXPECT_TRUE(is_readable(at_)) << "the part in front could have been";
  EXPECT_TRUE(reads_as(at_ + kOsPage, kOsPage, kFilled));
  EXPECT_FALSE(os_.purge(at_ + kOsPage, kOsPage));
  EXPECT_TRUE(reads_as(at_ + kOsPage, kOsPage, kFilled));
  constexpr std::size_t kLong = std::size_t{2} << 20;  // from so much on a range is closed by another call
  std::byte* const locked = os_.reserve(kLong, kOsPage);
  ASSERT_TRUE(os_.commit(locked, kLong));
  if (lock(locked, kLong)) {
    EXPECT_FALSE(os_.close(locked, kLong));
    EXPECT_TRUE(is_readable(locked));
  }
  os_.release(locked, kLong);
}

TEST_F(RefusedCalls, CallsThatAreInterruptedAreMadeAgain) {
  expect_in_child([&] {
    HOLDS(falter(SYS_madvise, 5, EAGAIN));
    errno = kKept;
    HOLDS(os_.purge(at_, kOsPage));
    HOLDS(reads_as(at_, kOsPage, std::byte{0}) && Faltering::calls == 6);
    Faltering::times = 1;
    Faltering::error = EINTR;
    HOLDS(os_.purge(at_ + kOsPage, kOsPage));
    HOLDS(reads_as(at_ + kOsPage, kOsPage, std::byte{0}));
    Faltering::times = 1000;
    HOLDS(!os_.purge(at_ + 2 * kOsPage, kOsPage));  // and not for ever
    HOLDS(reads_as(at_ + 2 * kOsPage, kOsPage, kFilled));
    return 0;
  });
}

TEST_F(RefusedCalls, MemoryThatIsRefusedIsSaidToBe) {
  constexpr std::size_t kLong = std::size_t{4} << 20;
  std::byte* const at = os_.reserve(kLong, kOsPage);
  ASSERT_TRUE(os_.close(at, kLong));
  expect_in_child([&] {
    HOLDS(fails(SYS_mprotect, ENOMEM));
    HOLDS(fails(SYS_mmap, ENOMEM));
    errno = kKept;
    HOLDS(!os_.commit(at_, kBytes));
    HOLDS(!os_.open(at, kLong));
    HOLDS(os_.reserve(kOsPage, kOsPage) == nullptr);
    return 0;
  });
  os_.release(at, kLong);
}

TEST_F(RefusedCalls, ARangeThatCanBeNeitherMappedNorGuardedIsNotClosed) {
  constexpr std::size_t kLong = std::size_t{4} << 20;
  std::byte* const at = os_.reserve(kLong, kOsPage);
  ASSERT_TRUE(os_.commit(at, kLong));
  expect_in_child([&] {
    HOLDS(fails(SYS_mprotect, ENOMEM) && is_older_kernel());
    errno = kKept;
    HOLDS(!os_.close(at, kLong));
    HOLDS(is_readable(at));
    return 0;
  });
  os_.release(at, kLong);
}

TEST_F(RefusedCalls, PagesThatCannotMoveStayWhereTheyAre) {
  std::byte* const to = os_.reserve(kBytes, kOsPage);
  ASSERT_TRUE(os_.commit(to, kBytes));
  expect_in_child([&] {
    HOLDS(fails(SYS_mremap, ENOMEM));
    errno = kKept;
    HOLDS(!os_.move(at_, to, kBytes));
    HOLDS(reads_as(at_, kBytes, kFilled));
    std::fill_n(to, kBytes, std::byte{1});
    munmap(to, kBytes);  // as the kernel may have done before it refuses
    HOLDS(!os_.move(at_, to, kBytes));
    HOLDS(reads_as(at_, kBytes, kFilled) && reads_as(to, kBytes, std::byte{0}));
    std::fill_n(to, kBytes, std::byte{1});
    return 0;
  });
  os_.release(to, kBytes);
}

constexpr std::size_t kMovesPerCount = 1024;

// Whether so many moves, there and back by turns, all end so.
bool moves(LinuxOs& os, std::byte* one, std::byte* other, bool wanted) {
  bool all = true;
  for (std::size_t i = 0; i < kMovesPerCount; ++i) {
    const bool moved = os.move(one, other, kOsPage);
    if (moved) std::swap(one, other);
    all = all && moved == wanted;
  }
  return all;
}

TEST_F(RefusedCalls, NoPagesMoveWhileHalfOfTheMappingsAreTaken) {
  if (mappings_allowed() != kMappings) GTEST_SKIP() << "half of them are not as many as these";
  constexpr std::size_t kMany = kMappings / 2 + 2;
  std::byte* const many = os_.reserve(kMany * kOsPage, kOsPage);
  ASSERT_NE(many, nullptr);
  expect_in_child([&] {
    for (std::size_t i = 0; i < kMany; i += 2) HOLDS(mprotect(many + i * kOsPage, kOsPage, PROT_READ) == 0);
    errno = kKept;
    (void)moves(os_, at_, at_ + kOsPage, true);  // they are counted once in this round
    HOLDS(moves(os_, at_, at_ + kOsPage, false));
    munmap(many, kMany * kOsPage);
    (void)moves(os_, at_, at_ + kOsPage, true);
    HOLDS(moves(os_, at_, at_ + kOsPage, true));
    return 0;
  });
  expect_in_child([&] {
    for (std::size_t i = 0; i < kMany; i += 2) HOLDS(mprotect(many + i * kOsPage, kOsPage, PROT_READ) == 0);
    HOLDS(fails(SYS_openat, EACCES));  // nobody can count them
    errno = kKept;
    HOLDS(moves(os_, at_, at_ + kOsPage, true) && moves(os_, at_, at_ + kOsPage, true));
    return 0;
  });
  os_.release(many, kMany * kOsPage);
}

TEST_F(RefusedCalls, EntropyIsThereBeforeTheKernelHasAny) {
  expect_in_child([&] {
    HOLDS(fails(SYS_getrandom, EAGAIN));
    errno = kKept;
    std::array<std::uint64_t, 64> words{};
    for (std::uint64_t& word : words) word = os_.entropy();
    std::sort(words.begin(), words.end());
    HOLDS(std::adjacent_find(words.begin(), words.end()) == words.end());
    std::uint64_t ones = 0;
    std::uint64_t zeros = 0;
    for (const std::uint64_t word : words) {
      ones |= word;
      zeros |= ~word;
    }
    HOLDS(ones == UINT64_MAX && zeros == UINT64_MAX);  // every bit is sometimes set, sometimes not
    return 0;
  });
}

TEST_F(RefusedCalls, WhatTheKernelDoesNotTellIsTheLeastThereCanBe) {
  EXPECT_GE(os::peak_rss_bytes(), kBytes);
  expect_in_child([&] {
    HOLDS(fails(SYS_sched_getaffinity, ENOSYS) && fails(SYS_getrusage, ENOSYS));
    HOLDS(os::peak_rss_bytes() == 0);
    errno = kKept;
    HOLDS(os_.processors() == 1);
    return 0;
  });
}

}  // namespace
}  // namespace trestle
