// Mapped: a value of zeros in a mapping of its own, or none where memory is short.
#include "os/mapped.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "child.hpp"

namespace trestle {
namespace {

using Words = std::array<std::uint64_t, 1000>;

TEST(Mapped, IsZeroAndInItsOwnPages) {
  const std::byte* gone = nullptr;
  {
    const os::Mapped<Words> words;
    ASSERT_NE(words.get(), nullptr);
    EXPECT_TRUE(std::all_of(words.get()->begin(), words.get()->end(), [](std::uint64_t word) { return word == 0; }));
    EXPECT_EQ(words.memory().size(), 2 * kOsPage);
    EXPECT_EQ(words.memory().data(), reinterpret_cast<const std::byte*>(words.get()));
    words.get()->fill(1);
    gone = words.memory().data();
  }
  std::byte probe{};
  EXPECT_FALSE(os::read_own_memory(gone, &probe, 1));
}

TEST(Mapped, IsNoneWhereMemoryIsShort) {
  for (const long call : {SYS_mmap, SYS_mprotect}) {
    EXPECT_EQ(run_in_child([&] {
                if (!forbid_call(call, SECCOMP_RET_ERRNO | ENOMEM)) return 1;
                const os::Mapped<Words> words;
                return words.get() == nullptr ? 0 : 2;
              }),
              0)
        << call;
  }
}

}  // namespace
}  // namespace trestle
