// The way up a stack by tables, held against the C library's own, through functions that keep no frame pointers.
#include "report/unwind_tables.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "report/library_stack.hpp"

namespace trestle {
namespace {

#if defined(__x86_64__)

using Addresses = std::array<const void*, 200>;

bool read_word(std::uintptr_t at, std::uintptr_t& word, void*) {
  std::memcpy(&word, reinterpret_cast<const void*>(at), sizeof word);
  return true;
}

// From the caller on, without an allocation, since a signal handler asks as well; how many.
[[gnu::noinline]] std::size_t way_up(Addresses& into) {
  Registers frame;
  asm volatile("mov %%rsp, %0; mov %%rbp, %1; lea 0(%%rip), %2" : "=r"(frame.sp), "=r"(frame.bp), "=r"(frame.pc));
  std::size_t count = 0;
  bool is_exact = true;
  while (count < into.size()) {
    if (unwind(frame, is_exact, read_word, nullptr) != Unwound::to_caller) break;
    into[count++] = reinterpret_cast<const void*>(frame.pc);
  }
  return count;
}

int compared = 0;
[[gnu::noinline]] void compare() {
  Addresses found{};
  const std::size_t count = way_up(found);
  LibraryStack room{};
  const std::size_t all = stack_by_library(room);
  ASSERT_GT(count, 2U);
  // The first is in here, where another call is made; above may be a sanitizer's.
  const auto end = room.begin() + static_cast<std::ptrdiff_t>(all);
  const auto first = std::find(room.begin(), end, found[1]);
  EXPECT_EQ(static_cast<std::size_t>(end - first), count - 1);
  EXPECT_TRUE(std::equal(first, end, found.begin() + 1));
  ++compared;
}

// Twice: the second time most rules are known from the first.
struct UnwoundTwice : testing::TestWithParam<bool> {
  void SetUp() override {
    compared = 0;
    prepare_library_stacks();
    if (GetParam()) keep_unwind_rules();
  }
};
INSTANTIATE_TEST_SUITE_P(Tables, UnwoundTwice, testing::Bool(),
                         [](const auto& kind) { return kind.param ? "Kept" : "ReadAnew"; });

[[gnu::noinline]] int descend(int depth, const volatile char* from) {
  volatile char room[300];
  room[depth % 300] = from[0];
  if (depth == 0) compare();
  const int below = depth == 0 ? 0 : descend(depth - 1, room);
  return below + room[1];
}

TEST_P(UnwoundTwice, LeadThroughManyFrames) {
  const volatile char seed = 1;
  for (int depth = 0; depth < 100; ++depth) descend(depth, &seed);
  EXPECT_EQ(compared, 100);
}

TEST_P(UnwoundTwice, LeadThroughTheCLibrary) {
  std::array<int, 6> all{3, 2, 1, 6, 5, 4};
  qsort(all.data(), all.size(), sizeof all[0], [](const void* a, const void* b) {
    compare();
    return *static_cast<const int*>(a) - *static_cast<const int*>(b);
  });
  EXPECT_GT(compared, 5);
}

TEST_P(UnwoundTwice, LeadOutOfASignalHandler) {
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) { compare(); };
  sigaction(SIGUSR1, &action, &before);
  raise(SIGUSR1);
  sigaction(SIGUSR1, &before, nullptr);
  EXPECT_EQ(compared, 1);
}

[[gnu::noinline]] void compare_and_throw() {
  struct Leaving {
    ~Leaving() { compare(); }
  } leaving;
  throw 1;
}
TEST_P(UnwoundTwice, LeadThroughTheUnwindingOfAnException) {
  EXPECT_ANY_THROW(compare_and_throw());
  EXPECT_EQ(compared, 1);
}

[[gnu::noinline]] int with_a_room_of(std::size_t bytes) {
  auto* const room = static_cast<volatile char*>(__builtin_alloca(bytes));
  alignas(64) volatile char aligned[64];
  room[bytes - 1] = 1;
  aligned[3] = 1;
  compare();
  return room[bytes - 1] + aligned[3];
}
TEST_P(UnwoundTwice, LeadThroughFramesOfAnyLengthAndAlignment) {
  for (std::size_t bytes = 1; bytes < 2000; bytes += 333) with_a_room_of(bytes);
  EXPECT_EQ(compared, 7);
}

TEST_P(UnwoundTwice, EndWhereAThreadBegins) {
  std::thread([] { compare(); }).join();
  EXPECT_EQ(compared, 1);
}

TEST(UnwindTables, HaveNoRuleWhereThereIsNoCode) {
  const int variable = 0;
  for (const std::uintptr_t place : {reinterpret_cast<std::uintptr_t>(&variable), std::uintptr_t{1}, UINTPTR_MAX}) {
    Registers frame{place, 0, 0};
    bool is_exact = true;
    EXPECT_EQ(unwind(frame, is_exact, read_word, nullptr), Unwound::no_rule);
    EXPECT_EQ(frame.pc, place);
    EXPECT_TRUE(is_exact);
  }
}

// What cannot be read ends it.
TEST(UnwindTables, EndWhereTheStackDoes) {
  Registers frame;
  asm volatile("mov %%rsp, %0; mov %%rbp, %1; lea 0(%%rip), %2" : "=r"(frame.sp), "=r"(frame.bp), "=r"(frame.pc));
  bool is_exact = true;
  const auto read_nothing = [](std::uintptr_t, std::uintptr_t&, void*) { return false; };
  EXPECT_EQ(unwind(frame, is_exact, read_nothing, nullptr), Unwound::to_end);
}

#endif

}  // namespace
}  // namespace trestle
