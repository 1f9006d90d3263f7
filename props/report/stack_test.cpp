#include "report/stack.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "capture.hpp"
#include "child.hpp"
#include "report/report.hpp"

namespace trestle {
namespace {

bool lies_in(const void* address, void (*from)(), std::size_t bytes) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  const auto start = reinterpret_cast<std::uintptr_t>(from);
  return at > start && at - start < bytes;
}

Stack seen;

Stack captured(const CallSite& site) {
  Stack stack;
  capture(site, stack);
  return stack;
}

[[gnu::noinline]] void edge() {
  capture(TRESTLE_CALL_SITE, seen);
  asm volatile("");
}
[[gnu::noinline]] void caller() {
  edge();
  asm volatile("");  // no tail call: the frame is to be found
}
[[gnu::noinline]] void callers_caller() {
  caller();
  asm volatile("");
}

constexpr std::size_t kFunctionBytes = 2048;  // under a sanitizer too

TEST(Stack, NamesTheCallersInnermostFirst) {
  callers_caller();
  ASSERT_GE(seen.depth, 2U);
  EXPECT_TRUE(lies_in(seen.frames[0], caller, kFunctionBytes));
  EXPECT_TRUE(lies_in(seen.frames[1], callers_caller, kFunctionBytes));
  EXPECT_EQ(seen.addresses().size(), seen.depth);
}

TEST(Stack, IsEmptyWithoutACallSite) {
  EXPECT_EQ(captured({}).depth, 0U);
  capture({}, seen);
  EXPECT_EQ(seen.depth, 0U) << "what it held before is not of this call";
}

TEST(Stack, KeepsTheReturnAddressWhereNoFrameCanBeRead) {
  const void* const here = reinterpret_cast<const void*>(&caller);
  const Stack stack = captured({reinterpret_cast<const void*>(std::uintptr_t{16}), here});
  ASSERT_EQ(stack.depth, 1U);
  EXPECT_EQ(stack.frames[0], here);
}

// Frames that lead back, round in a circle, far away or to odd addresses end the walk, not the process.
TEST(Stack, StopsAtAFrameThatLeadsAstray) {
  const void* const here = reinterpret_cast<const void*>(&caller);
  for (const std::intptr_t step : {0, -16, 3, 1 << 21}) {
    std::array<std::uintptr_t, 2> frame{0, reinterpret_cast<std::uintptr_t>(here)};
    frame[0] = reinterpret_cast<std::uintptr_t>(frame.data()) + static_cast<std::uintptr_t>(step);
    EXPECT_EQ(captured({frame.data(), here}).depth, 1U) << step;
  }
}

TEST(Stack, HoldsNoMoreThanItsRoom) {
  struct Frame {
    const Frame* caller;
    const void* return_address;
  };
  std::array<Frame, 2 * kMaxFrames> frames{};
  const void* const here = reinterpret_cast<const char*>(&caller) + 1;
  for (std::size_t i = 0; i + 1 < frames.size(); ++i) frames[i] = {&frames[i + 1], here};
  frames.back() = {nullptr, here};
  EXPECT_EQ(captured({frames.data(), here}).depth, kMaxFrames);
}

// Of an instruction, not of a call: its own function's caller is in its frame, and a leaf of another object, which has none,
// returns to what is on top of its stack.
TEST(Stack, OfAnInterruptedProgramBeginsAtItsInstruction) {
  const auto* const here = reinterpret_cast<const std::byte*>(&caller);
  const auto* const there = reinterpret_cast<const std::byte*>(&callers_caller);
  const void* const libc = dlsym(RTLD_DEFAULT, "getppid");
  std::array<std::uintptr_t, 4> frames{};
  frames[0] = reinterpret_cast<std::uintptr_t>(&frames[2]);
  frames[1] = reinterpret_cast<std::uintptr_t>(there);
  frames[3] = reinterpret_cast<std::uintptr_t>(here + 2);
  const auto seen_from = [&](const void* instruction, const void* top) {
    const Stack stack = captured({frames.data(), instruction, true, top});
    return std::vector<const void*>(stack.frames.data(), stack.frames.data() + stack.depth);
  };
  using Frames = std::vector<const void*>;
  EXPECT_EQ(seen_from(here + 1, nullptr), (Frames{here + 1, there, here + 2}));
  EXPECT_EQ(seen_from(here + 1, there + 3), (Frames{here + 1, there, here + 2})) << "in the same object";
  EXPECT_EQ(seen_from(libc, there + 3), (Frames{libc, there + 3, there, here + 2}));
  EXPECT_EQ(seen_from(libc, frames.data()), (Frames{libc, there, here + 2})) << "no code";
  frames[1] = 5;
  EXPECT_EQ(seen_from(here + 1, nullptr), (Frames{here + 1})) << "what it returns to is no code";
}

// What a call of its own sees: all frames, the innermost first.
struct Own {
  std::array<const void*, kMaxFrames> frames{};
  std::size_t depth = 0;
  int thread = 0;
};
[[gnu::noinline]] void own_edge(Own& own) {
  own.depth = capture_own(TRESTLE_CALL_SITE, own.frames);
  own.thread = own_thread_id();
  asm volatile("");
}
[[gnu::noinline]] void own_caller(Own& own) {
  own_edge(own);
  asm volatile("");
}
[[gnu::noinline]] void own_thread(Own& own) {
  own_caller(own);
  asm volatile("");
}

TEST(OwnStack, HasTheFramesOfAnyThread) {
  Own first;
  own_caller(first);
  ASSERT_GE(first.depth, 3U);
  EXPECT_TRUE(lies_in(first.frames[0], reinterpret_cast<void (*)()>(&own_caller), kFunctionBytes));
  EXPECT_EQ(first.thread, gettid());

  Own other;
  std::thread([&] {
    own_thread(other);
    EXPECT_EQ(other.thread, gettid());
  }).join();
  ASSERT_GE(other.depth, 2U);
  EXPECT_TRUE(lies_in(other.frames[0], reinterpret_cast<void (*)()>(&own_caller), kFunctionBytes));
  EXPECT_TRUE(lies_in(other.frames[1], reinterpret_cast<void (*)()>(&own_thread), kFunctionBytes));
  EXPECT_NE(other.thread, first.thread);
}

Own on_other_stack;
void own_handler(int) { own_caller(on_other_stack); }

// A signal's stack is not the thread's; the walk goes no further than it does.
TEST(OwnStack, HasTheFramesOfASignalsStack) {
  std::array<char, 64 << 10> memory{};
  stack_t stack{};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  stack_t before{};
  ASSERT_EQ(sigaltstack(&stack, &before), 0);
  struct sigaction action{};
  action.sa_handler = own_handler;
  action.sa_flags = SA_ONSTACK;
  struct sigaction kept{};
  ASSERT_EQ(sigaction(SIGUSR1, &action, &kept), 0);
  raise(SIGUSR1);
  sigaction(SIGUSR1, &kept, nullptr);
  sigaltstack(&before, nullptr);
  ASSERT_GE(on_other_stack.depth, 2U);
  EXPECT_TRUE(lies_in(on_other_stack.frames[0], reinterpret_cast<void (*)()>(&own_caller), kFunctionBytes));
  EXPECT_TRUE(lies_in(on_other_stack.frames[1], reinterpret_cast<void (*)()>(&own_handler), kFunctionBytes));
}

// Frames that lead back, round in a circle, far away, beyond the stack or to where nothing is end the walk, not the process.
TEST(OwnStack, StopsAtAFrameThatLeadsAstray) {
  const void* const here = reinterpret_cast<const void*>(&caller);
  std::array<const void*, kMaxFrames> found{};
  for (const std::intptr_t step : {0, -16, 3, 1 << 19, 1 << 21}) {
    std::array<std::uintptr_t, 2> frame{0, reinterpret_cast<std::uintptr_t>(here)};
    frame[0] = reinterpret_cast<std::uintptr_t>(frame.data()) + static_cast<std::uintptr_t>(step);
    EXPECT_EQ(capture_own({frame.data(), here}, found), 1U) << step;
  }
  EXPECT_EQ(capture_own({reinterpret_cast<const void*>(std::uintptr_t{16}), here}, found), 1U) << "nothing is there";
  EXPECT_EQ(capture_own({}, found), 0U);
  EXPECT_EQ(capture_own({found.data(), here}, {}), 0U) << "there is no room";
}

// The last piece of a page that nothing follows.
TEST(OwnStack, ReadsAForeignStackUpToItsLastWord) {
  constexpr std::size_t kPage = 4096;
  auto* const pages =
      static_cast<std::byte*>(mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  ASSERT_EQ(mprotect(pages + kPage, kPage, PROT_NONE), 0);
  const void* const here = reinterpret_cast<const void*>(&caller);
  auto* const words = reinterpret_cast<std::uintptr_t*>(pages + kPage - 48);
  words[0] = reinterpret_cast<std::uintptr_t>(words + 4);  // the frame that ends with the page
  words[1] = reinterpret_cast<std::uintptr_t>(here);
  words[4] = reinterpret_cast<std::uintptr_t>(words + 8);
  words[5] = reinterpret_cast<std::uintptr_t>(here);
  std::array<const void*, kMaxFrames> found{};
  EXPECT_EQ(capture_own({words, here}, found), 2U);
  EXPECT_EQ(captured({words, here}).depth, 2U);
  munmap(pages, 2 * kPage);
}

// Frames that reach over the end of a piece, or of a page, are read whole; one too far away is none.
TEST(OwnStack, FollowsFramesOfAForeignStackWhereverTheyLie) {
  constexpr std::size_t kBytes = std::size_t{4} << 20;
  auto* const memory =
      static_cast<std::byte*>(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  const void* const here = reinterpret_cast<const void*>(&caller);
  const auto link = [&](std::size_t from, std::size_t to) {
    auto* const words = reinterpret_cast<std::uintptr_t*>(memory + from);
    words[0] = reinterpret_cast<std::uintptr_t>(memory + to);
    words[1] = reinterpret_cast<std::uintptr_t>(here);
  };
  const std::array<std::size_t, 6> frames{64, 64 + 504, 64 + 1000, 4096 - 8, 4096 + 520, 3 << 20};
  for (std::size_t i = 0; i + 1 < frames.size(); ++i) link(frames[i], frames[i + 1]);
  link(frames.back(), 0);
  std::array<const void*, kMaxFrames> found{};
  EXPECT_EQ(capture_own({memory + frames[0], here}, found), 5U) << "all but the one that is too far away";
  EXPECT_EQ(std::count(found.begin(), found.end(), here), 5);
  EXPECT_EQ(captured({memory + frames[0], here}).depth, 5U);
  munmap(memory, kBytes);
}

// The stack of a thread that says where it is, in a process that cannot read foreign memory.
TEST(OwnStack, NeedsNoCallOfTheSystemWhereItIsToldOf) {
  const auto depth_in_thread = [](bool tells) {
    return run_in_child([=] {
      if (!forbid_call(SYS_process_vm_readv, SECCOMP_RET_ERRNO | EPERM)) return 100;
      Own own;
      std::thread([&] {
        pthread_attr_t attributes;
        void* lowest = nullptr;
        std::size_t bytes = 0;
        pthread_getattr_np(pthread_self(), &attributes);
        pthread_attr_getstack(&attributes, &lowest, &bytes);
        const auto begin = reinterpret_cast<std::uintptr_t>(lowest);
        if (tells) tell_own_stack(begin, begin + bytes);
        own_thread(own);
        pthread_attr_destroy(&attributes);
      }).join();
      const bool is_right =
          lies_in(own.frames[0], reinterpret_cast<void (*)()>(&own_caller), kFunctionBytes) &&
          (own.depth < 2 || lies_in(own.frames[1], reinterpret_cast<void (*)()>(&own_thread), kFunctionBytes));
      return is_right ? static_cast<int>(std::min<std::size_t>(own.depth, 3)) : 101;
    });
  };
  EXPECT_EQ(depth_in_thread(false), 1);
  EXPECT_EQ(depth_in_thread(true), 3);
}

// A thread that was given its stack runs on another one below, as a coroutine does, and what lies between the two goes: words of
// it can be read no more, though some were before and those above it still can.
TEST(OwnStack, IsReadAsFarAsItReachesNow) {
  constexpr std::size_t kBytes = std::size_t{256} << 10;
  auto* const memory =
      static_cast<std::byte*>(mmap(nullptr, 3 * kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  struct Frame {
    const void* caller;
    const void* return_address;
  };
  const auto* const here = reinterpret_cast<const void*>(&caller);
  auto* const between = reinterpret_cast<Frame*>(memory + kBytes + 4096);
  auto* const below = reinterpret_cast<Frame*>(memory + kBytes - 4096);
  *between = {nullptr, here};
  *below = {between, here};
  std::array<std::size_t, 2> depths{};
  const auto body = [&] {
    std::array<const void*, kMaxFrames> found{};
    depths[0] = capture_own({below, here}, found);
    munmap(memory + kBytes, kBytes);
    depths[1] = capture_own({below, here}, found);
  };
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstack(&attributes, memory + 2 * kBytes, kBytes), 0);
  pthread_t thread{};
  const auto run = [](void* given) -> void* { return (*static_cast<decltype(body)*>(given))(), nullptr; };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, const_cast<void*>(static_cast<const void*>(&body))), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  munmap(memory, kBytes);
  munmap(memory + 2 * kBytes, kBytes);
  EXPECT_EQ(depths[0], 2U);
  EXPECT_EQ(depths[1], 1U);
}

TEST(OwnStack, KnowsAForkedThreadsNumber) {
  const int before = own_thread_id();
  const Captured captured = capture_stderr([&] {
    forget_own_thread_id();
    if (own_thread_id() == before || own_thread_id() != gettid()) abort();
  });
  EXPECT_EQ(captured.status, 0);
}

TEST(Stack, PlacesCodeInItsObject) {
  const CodePlace own = place_of_code(reinterpret_cast<const void*>(&caller));
  ASSERT_NE(own.path, nullptr);
  EXPECT_STREQ(own.path, "");
  Dl_info info{};
  ASSERT_NE(dladdr(reinterpret_cast<const void*>(&caller), &info), 0);
  EXPECT_EQ(own.offset, reinterpret_cast<std::uintptr_t>(&caller) - reinterpret_cast<std::uintptr_t>(info.dli_fbase));

  const CodePlace libc = place_of_code(dlsym(RTLD_DEFAULT, "getppid"));
  ASSERT_NE(libc.path, nullptr);
  EXPECT_NE(std::string(libc.path).find("libc.so"), std::string::npos);

  int local = 0;
  EXPECT_EQ(place_of_code(&local).path, nullptr);
}

TEST(Stack, IsPrintedWithTheProgramsName) {
  const Captured captured = capture_stderr([] {
    set_symbolizer("");
    std::ignore = print_report({.kind = FaultKind::double_free}, UINT64_MAX,
                               {"free", nullptr, "hardened", TRESTLE_CALL_SITE}, Severity::fatal);
  });
  std::array<char, 4096> itself{};
  ASSERT_GT(readlink("/proc/self/exe", itself.data(), itself.size() - 1), 0);
  const std::size_t at = captured.text.find("\n  called from:\n");
  ASSERT_NE(at, std::string::npos) << captured.text;
  const std::string line = captured.text.substr(at + 16, captured.text.find('\n', at + 16) - at - 16);
  EXPECT_TRUE(std::regex_match(line, std::regex("    #0 0x[0-9a-f]+ \\(.+\\+0x[0-9a-f]+\\)"))) << line;
  EXPECT_NE(line.find(itself.data()), std::string::npos) << line;
}

}  // namespace
}  // namespace trestle
