// for_each_readable_mapping and HeldPages: what the kernel tells of this process.
#include "os/mappings.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <vector>

#include "base/arith.hpp"
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
  Pages held() {
    const std::vector<os::Mapping> all = mappings();
    const os::Mapping* const mapping = holding(all, at_);
    struct Found {
      std::uintptr_t base;
      Pages pages;
    } found{address_of(at_), {}};
    os::HeldPages::Room room;
    os::HeldPages(room).for_each_run(
        *mapping, found.base, found.base + kPages * kOsPage,
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
