// mark_from_roots: what is found in variables and in mappings of all kinds.
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "leak/root_search.hpp"

namespace trestle {
namespace {

TEST_F(RootsTest, AreVariables) {
  static void* variable;
  static thread_local void* local;
  for (void** const at : {&variable, &local}) {
    EXPECT_EQ(run_in_child([&] {
                keep(at);
                const int found = looked();
                *at = nullptr;
                return found * 10 + looked();
              }),
              kReached * 10 + kUnreached);
  }
}

TEST_F(RootsTest, AreMappingsThatNobodyMayWriteAnyMore) {
  EXPECT_EQ(run_in_child([] {
              auto** const sealed = static_cast<void**>(mapped(kOsPage));
              keep(&sealed[3]);
              mprotect(sealed, kOsPage, PROT_READ);
              return looked();
            }),
            kReached);
}

TEST_F(RootsTest, AreSharedMappings) {
  EXPECT_EQ(run_in_child([] {
              auto** const shared = static_cast<void**>(mapped(kOsPage, MAP_SHARED | MAP_ANONYMOUS));
              keep(&shared[3]);
              return looked();
            }),
            kReached);
}
// A child has none of its pages at first, and who gives them up loses nothing.
TEST_F(RootsTest, AreSharedMappingsThatThisProcessHasNoPagesOf) {
  EXPECT_EQ(run_in_child([] {
              auto** const shared = static_cast<void**>(mapped(kOsPage, MAP_SHARED | MAP_ANONYMOUS));
              keep(&shared[3]);
              const int in_child = run_in_child([] { return looked(); });
              madvise(shared, kOsPage, MADV_DONTNEED);
              return in_child * 10 + looked();
            }),
            kReached * 10 + kReached);
}

// What was never written to is not read either, so that it stays as it is.
TEST_F(RootsTest, LeaveUntouchedMemoryUntouched) {
  EXPECT_EQ(run_in_child([] {
              constexpr std::size_t kPages = 4096;
              for (const int flags : {MAP_PRIVATE, MAP_SHARED}) {
                auto* const sparse = static_cast<std::byte*>(mapped(kPages * kOsPage, flags | MAP_ANONYMOUS));
                keep(reinterpret_cast<void**>(sparse + 1000 * kOsPage));
                if (looked() != kReached) return 10;
                std::array<unsigned char, kPages> resident{};
                mincore(sparse, kPages * kOsPage, resident.data());
                std::size_t count = 0;
                for (const unsigned char page : resident) count += page & 1U;
                if (count != 1) return 11;
                munmap(sparse, kPages * kOsPage);
              }
              return 0;
            }),
            0);
}

TEST_F(RootsTest, AreNotTakenForAllWhereMemoryCannotBeRead) {
  EXPECT_EQ(run_in_child([] {
              if (!forbid_call(SYS_process_vm_readv, SECCOMP_RET_ERRNO | EPERM)) return 10;
              return looked();
            }),
            kFailed);
}

}  // namespace
}  // namespace trestle
