#include "report/stack_depot.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

#include "child.hpp"

namespace trestle {
namespace {

std::vector<const void*> addresses(std::uintptr_t first, std::size_t count) {
  std::vector<const void*> made(count);
  for (std::size_t i = 0; i < count; ++i) made[i] = reinterpret_cast<const void*>(first + i);
  return made;
}
std::vector<const void*> kept(const StackDepot& depot, StackDepot::Id id) {
  const Trace& trace = *depot.find(id);
  std::vector<const void*> all;
  for (std::size_t i = 0; i < trace.depth(); ++i) all.push_back(trace.return_address(i));
  return all;
}

struct StackDepotTest : testing::Test {
  std::unique_ptr<StackDepot> depot_ = std::make_unique<StackDepot>();
};

// Nor anything else that looks like one of its addresses: who searches memory for pointers finds none to what they lead to.
TEST_F(StackDepotTest, HasNoAddressAsItIs) {
  const std::vector<const void*> stack{&stack, &depot_, nullptr};
  const auto* const trace = reinterpret_cast<const std::uintptr_t*>(depot_->find(depot_->put(stack)));
  for (std::size_t i = 0; i < 2 + stack.size(); ++i)
    for (const void* const address : stack) EXPECT_NE(trace[i], reinterpret_cast<std::uintptr_t>(address)) << i;
}

TEST_F(StackDepotTest, KeepsEachStackOnce) {
  std::set<StackDepot::Id> ids;
  for (const int round : {1, 2}) {
    for (std::uintptr_t first = 1; first <= 100; ++first)
      for (std::size_t depth = 0; depth <= 3; ++depth) {
        const StackDepot::Id id = depot_->put(addresses(first * 100, depth));
        ASSERT_NE(id, 0U);
        EXPECT_EQ(kept(*depot_, id), addresses(first * 100, depth));
        ids.insert(id);
      }
    EXPECT_EQ(ids.size(), 301U) << "round " << round << ": of no frames there is one";
  }
}

TEST(StackDepot, OfFewListsKeepsAsMany) {
  constexpr std::uintptr_t kStacks = 500;
  StackDepot depot(2);
  std::set<StackDepot::Id> ids;
  for (std::uintptr_t i = 0; i < kStacks; ++i) ids.insert(depot.put(addresses(i << 8, 5)));
  EXPECT_EQ(ids.size(), kStacks);
  EXPECT_FALSE(ids.contains(0));
  for (std::uintptr_t i = 0; i < kStacks; ++i) {
    const StackDepot::Id id = depot.put(addresses(i << 8, 5));
    EXPECT_TRUE(ids.contains(id));
    EXPECT_EQ(kept(depot, id), addresses(i << 8, 5));
  }
}

// What it knows it goes on knowing. A sanitizer's malloc has to do with what it has, too: all is there before.
TEST_F(StackDepotTest, KeepsNoMoreThanThereIsMemoryFor) {
  if (TRESTLE_UNDER_TSAN) GTEST_SKIP() << "it ends where its own memory is refused";
  for (const long call : {SYS_mmap, SYS_mprotect}) {
    EXPECT_EQ(run_in_child([&] {
                static StackDepot fresh;
                std::vector<const void*> next = addresses(100, StackDepot::kMaxDepth);
                const std::vector<const void*> stack = addresses(10, 3);
                const StackDepot::Id known = depot_->put(stack);
                if (!forbid_call(call, SECCOMP_RET_ERRNO | ENOMEM)) return 1;
                if (fresh.put(stack) != 0 || fresh.find(1) != nullptr) return 2;
                std::size_t more = 0;  // up to the end of the memory that it has
                for (; depot_->put(next) != 0; ++more) next[0] = reinterpret_cast<const void*>(1000 + more);
                return more != 0 && depot_->put(stack) == known && depot_->find(known)->depth() == stack.size() ? 0 : 3;
              }),
              0);
  }
}

TEST_F(StackDepotTest, KnowsNoStackThatItNeverKept) {
  const StackDepot::Id id = depot_->put(addresses(10, 3));
  EXPECT_EQ(depot_->find(0), nullptr);
  EXPECT_NE(depot_->find(id), nullptr);
  EXPECT_EQ(depot_->find(id + (1U << 20)), nullptr) << "of memory that it has not taken";
  EXPECT_EQ(depot_->find(UINT32_MAX), nullptr);
}

TEST_F(StackDepotTest, CutsOffWhatIsFarOut) {
  const StackDepot::Id id = depot_->put(addresses(10, StackDepot::kMaxDepth + 5));
  EXPECT_EQ(kept(*depot_, id), addresses(10, StackDepot::kMaxDepth));
  EXPECT_EQ(depot_->put(addresses(10, StackDepot::kMaxDepth + 9)), id);
}

TEST_F(StackDepotTest, FindsNothingByNoName) { EXPECT_EQ(depot_->find(0), nullptr); }

// Buckets hold several then, and chunks follow one another.
TEST_F(StackDepotTest, HoldsManyAndFindsThemAgain) {
  constexpr std::uintptr_t kStacks = 40'000;
  std::vector<StackDepot::Id> ids;
  for (std::uintptr_t i = 0; i < kStacks; ++i) ids.push_back(depot_->put(addresses(i << 8, StackDepot::kMaxDepth)));
  EXPECT_EQ(std::set<StackDepot::Id>(ids.begin(), ids.end()).size(), kStacks);
  for (std::uintptr_t i = 0; i < kStacks; ++i) {
    ASSERT_EQ(depot_->put(addresses(i << 8, StackDepot::kMaxDepth)), ids[i]);
    ASSERT_EQ(kept(*depot_, ids[i]), addresses(i << 8, StackDepot::kMaxDepth));
  }
}

// Threads that put the same stacks at once get the same names, each with its whole stack.
TEST_F(StackDepotTest, GivesAllThreadsTheSameNames) {
  constexpr std::size_t kThreads = 4;
  constexpr std::uintptr_t kStacks = 3000;
  std::array<std::vector<StackDepot::Id>, kThreads> ids;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (std::uintptr_t i = 0; i < kStacks; ++i) {
        ids[t].push_back(depot_->put(addresses(i << 8, 5)));
        EXPECT_EQ(kept(*depot_, ids[t].back()), addresses(i << 8, 5));
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t t = 1; t < kThreads; ++t) EXPECT_EQ(ids[t], ids[0]);
  EXPECT_EQ(std::set<StackDepot::Id>(ids[0].begin(), ids[0].end()).size(), kStacks);
}

}  // namespace
}  // namespace trestle
