// for_each_readable_mapping and HeldPages: what the kernel tells of this process.
#include "os/mappings.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <vector>

#include "base/arith.hpp"
#include "child.hpp"
#include "os/faltering_call.hpp"
#include "os/linux_os.hpp"

namespace trestle {
namespace {

std::vector<os::Mapping> mappings() {
  std::vector<os::Mapping> all;
  all.reserve(20'000);  // so that none is made while they are read
  os::MappingsRoom room;
  EXPECT_TRUE(os::for_each_readable_mapping(
      room,
      [](const os::Mapping& mapping, void* context) {
        static_cast<std::vector<os::Mapping>*>(context)->push_back(mapping);
      },
      &all));
  return all;
}
const os::Mapping* holding(const std::vector<os::Mapping>& all, const void* at) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const os::Mapping& mapping) {
    return mapping.begin <= address_of(at) && address_of(at) < mapping.end;
  });
  return found == all.end() ? nullptr : &*found;
}

int variable = 1;
const int constant = 1;

TEST(Mappings, HoldVariablesAndStacks) {
  const std::vector<os::Mapping> all = mappings();
  ASSERT_NE(holding(all, &variable), nullptr);
  EXPECT_FALSE(holding(all, &variable)->is_first_stack);
  EXPECT_TRUE(holding(all, &variable)->is_of_file && holding(all, &variable)->is_writable);
  ASSERT_NE(holding(all, &constant), nullptr);
  EXPECT_FALSE(holding(all, &constant)->is_writable);
  const void* const frame = __builtin_frame_address(0);
  ASSERT_NE(holding(all, frame), nullptr);
  EXPECT_TRUE(holding(all, frame)->is_first_stack);
}

TEST(Mappings, HoldWhatCanBeRead) {
  constexpr std::size_t kPages = 5;
  auto* const at = static_cast<std::byte*>(
      mmap(nullptr, kPages * kOsPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(at, MAP_FAILED);
  ASSERT_EQ(mprotect(at + kOsPage, kOsPage, PROT_NONE), 0);
  ASSERT_EQ(mprotect(at + 3 * kOsPage, kOsPage, PROT_READ), 0);
  const std::vector<os::Mapping> all = mappings();
  for (std::size_t page = 0; page < kPages; ++page) {
    const os::Mapping* const seen = holding(all, at + page * kOsPage);
    ASSERT_EQ(seen != nullptr, page != 1) << page;
    if (seen == nullptr) continue;
    EXPECT_EQ(seen->is_writable, page != 3) << page;
    EXPECT_EQ(seen->guard_begin, page == 2 ? address_of(at + kOsPage) : 0) << page;
    EXPECT_FALSE(seen->is_shared || seen->is_of_file || seen->is_first_stack);
  }
  munmap(at, kPages * kOsPage);
}

// More text than is read at once.
TEST(Mappings, AreReadAll) {
  constexpr std::size_t kMany = 2000;
  auto* const at =
      static_cast<std::byte*>(mmap(nullptr, kMany * kOsPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(at, MAP_FAILED);
  for (std::size_t page = 0; page < kMany; page += 2)
    ASSERT_EQ(mprotect(at + page * kOsPage, kOsPage, PROT_READ | PROT_WRITE), 0);
  const std::vector<os::Mapping> all = mappings();
  for (std::size_t page = 0; page < kMany; ++page)
    ASSERT_EQ(holding(all, at + page * kOsPage) != nullptr, page % 2 == 0) << page;
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; }));
  munmap(at, kMany * kOsPage);
}

TEST(Mappings, KeepErrno) {
  errno = 77;
  os::MappingsRoom room;
  (void)os::for_each_readable_mapping(room, [](const os::Mapping&, void*) {}, nullptr);
  EXPECT_EQ(errno, 77);
}

TEST(Mappings, AreReadAlsoByTheByteAndAcrossSignals) {
  for (const int error : {EINTR, 0}) {
    EXPECT_EQ(run_in_child([&] {
                if (!falter(SYS_read, 3000, error)) return 1;
                const std::vector<os::Mapping> all = mappings();
                if (Faltering::calls < 3000 || Faltering::times != 0) return 2;
                for (const void* const own : {static_cast<const void*>(&variable), static_cast<const void*>(&constant),
                                              static_cast<const void*>(__builtin_frame_address(0))})
                  if (holding(all, own) == nullptr) return 3;
                return std::is_sorted(all.begin(), all.end(),
                                      [](const auto& x, const auto& y) { return x.end <= y.begin; })
                           ? 0
                           : 4;
              }),
              0)
        << error;
  }
}

TEST(Mappings, AreNotSaidToBeReadWhereTheyCannotBe) {
  for (const long call : {SYS_openat, SYS_read}) {
    EXPECT_EQ(run_in_child([&] {
                if (!forbid_call(call, SECCOMP_RET_ERRNO | EACCES)) return 1;
                errno = 77;
                os::MappingsRoom room;
                if (os::for_each_readable_mapping(room, [](const os::Mapping&, void*) {}, nullptr)) return 2;
                return errno == 77 ? 0 : 3;
              }),
              0)
        << call;
  }
}

using Pages = std::set<std::size_t>;

// A mapping of so many pages, and which of them are held.
class HeldPagesTest : public testing::Test {
 protected:
  static constexpr std::size_t kPages = 2000;
  void map(int protection, int flags, int file = -1) {
    at_ = static_cast<std::byte*>(mmap(nullptr, kPages * kOsPage, protection, flags, file, 0));
    ASSERT_NE(at_, MAP_FAILED);
    madvise(at_, kPages * kOsPage, MADV_NOHUGEPAGE);
  }
  void TearDown() override { munmap(at_, kPages * kOsPage); }
  void write(std::size_t page) { at_[page * kOsPage + 17] = std::byte{1}; }
  os::Mapping mapping() { return *holding(mappings(), at_); }
  Pages held() { return held(mapping()); }
  Pages held(const os::Mapping& mapping) {
    struct Found {
      std::uintptr_t base;
      Pages pages;
    } found{address_of(at_), {}};
    os::HeldPages::Room room;
    os::HeldPages(room).for_each_run(
        mapping, found.base, found.base + kPages * kOsPage,
        [](std::uintptr_t begin, std::uintptr_t end, void* context) {
          EXPECT_LT(begin, end);
          auto& into = *static_cast<Found*>(context);
          for (std::uintptr_t page = begin; page < end; page += kOsPage)
            into.pages.insert((page - into.base) / kOsPage);
        },
        &found);
    return found.pages;
  }
  std::byte* at_ = nullptr;
};
const Pages kSome{0, 1, 2, 511, 512, 700, 1023, 1024, 1999};

TEST_F(HeldPagesTest, AreThoseThatWereWrittenTo) {
  map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  EXPECT_EQ(held(), Pages{});
  for (const std::size_t page : kSome) write(page);
  EXPECT_EQ(held(), kSome);
}

TEST_F(HeldPagesTest, StayWhenNobodyMayWriteAnyMore) {
  map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  for (const std::size_t page : kSome) write(page);
  mprotect(at_, kPages * kOsPage, PROT_READ);
  EXPECT_EQ(held(), kSome);
}

TEST_F(HeldPagesTest, AreOfSharedMemoryWhatIsThere) {
  map(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
  for (const std::size_t page : kSome) write(page);
  EXPECT_EQ(held(), kSome);
  madvise(at_, kPages * kOsPage, MADV_DONTNEED);
  EXPECT_EQ(held(), kSome) << "it has none of the pages, but there they are";
  mprotect(at_, kPages * kOsPage, PROT_READ);
  EXPECT_EQ(held(), Pages{}) << "others may write there, but not this process";
}

// The kernel before 6.7, which tells of each page.
TEST_F(HeldPagesTest, AreToldPageByPageWhereThereAreNoRuns) {
  map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  for (const std::size_t page : kSome) write(page);
  EXPECT_EQ(run_in_child([&] {
              const os::Mapping own = mapping();
              if (!forbid_call(SYS_ioctl, SECCOMP_RET_ERRNO | ENOTTY)) return 1;
              errno = 77;
              return held(own) == kSome && errno == 77 ? 0 : 2;
            }),
            0);
}

TEST_F(HeldPagesTest, AreAllWhereNobodyTells) {
  Pages all;
  for (std::size_t page = 0; page < kPages; ++page) all.insert(all.end(), page);
  const auto seen_without = [&](long call) {
    return run_in_child([&] {
      const os::Mapping own = mapping();
      if (!forbid_call(call, SECCOMP_RET_ERRNO | EACCES)) return 1;
      errno = 77;
      const Pages seen = held(own);
      return errno != 77 ? 2 : seen == all ? 3 : seen.empty() ? 4 : 5;
    });
  };
  map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  write(7);
  EXPECT_EQ(seen_without(SYS_openat), 3);
  munmap(at_, kPages * kOsPage);
  map(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
  EXPECT_EQ(seen_without(SYS_mincore), 3);
  munmap(at_, kPages * kOsPage);
  const int file = memfd_create("pages", 0);
  ASSERT_EQ(ftruncate(file, kPages * kOsPage), 0);
  map(PROT_READ, MAP_PRIVATE, file);
  close(file);
  EXPECT_EQ(seen_without(SYS_openat), 4) << "what nobody may write to is the file's";
}

TEST_F(HeldPagesTest, AreNotThoseOfAFileAsItIs) {
  const int file = memfd_create("pages", 0);
  ASSERT_EQ(ftruncate(file, kPages * kOsPage), 0);
  map(PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
  close(file);
  for (std::size_t page = 0; page < kPages; ++page) (void)*static_cast<volatile std::byte*>(at_ + page * kOsPage);
  EXPECT_EQ(held(), Pages{});
  for (const std::size_t page : kSome) write(page);
  EXPECT_EQ(held(), kSome);
}

}  // namespace
}  // namespace trestle
