// Stacks of calls and of interrupted code by tables, held against the C library's, through functions that keep no frame pointers.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <span>
#include <thread>
#include <vector>

#include "report/library_stack.hpp"
#include "report/stack.hpp"

namespace trestle {
namespace {

#if defined(__x86_64__)

struct StacksByTables : testing::Test {
  void SetUp() override {
    prepare_library_stacks();
    follow_unwind_tables(true);
  }
  void TearDown() override { follow_unwind_tables(false); }
};

// How much of the stack is, from its end on, as the library has it. A place that was interrupted is told by the byte behind it.
struct Tail {
  std::size_t same = 0;
  std::size_t interrupted = 0;
};
Tail common_tail(std::span<const void* const> stack) {
  LibraryStack all{};
  const std::size_t count = stack_by_library(all);
  Tail tail;
  for (; tail.same < stack.size() && tail.same < count; ++tail.same) {
    const auto ours = reinterpret_cast<std::uintptr_t>(stack[stack.size() - 1 - tail.same]);
    const auto theirs = reinterpret_cast<std::uintptr_t>(all[count - 1 - tail.same]);
    if (ours != theirs && ours != theirs + 1) break;
    tail.interrupted += ours - theirs;
  }
  return tail;
}

// As the edge does.
[[gnu::noinline]] std::size_t own_stack(std::span<const void*> into) { return capture_own(TRESTLE_CALL_SITE, into); }
[[gnu::noinline]] void report_stack(Stack& into) { capture(TRESTLE_CALL_SITE, into); }

std::size_t interruptions = 0;
[[gnu::noinline]] void expect_whole() {
  std::array<const void*, kMaxFrames> own{};
  const std::size_t depth = own_stack(own);
  ASSERT_GT(depth, 3U);
  const Tail tail = common_tail(std::span(own).first(depth));
  EXPECT_EQ(tail.same, depth - 1);  // the first is in here
  EXPECT_EQ(tail.interrupted, interruptions);
  Stack stack;
  report_stack(stack);
  ASSERT_GT(stack.depth, 3U);
  EXPECT_EQ(common_tail(stack.addresses()).same, stack.depth - 1);
  EXPECT_EQ(common_tail(stack.addresses()).interrupted, interruptions);
}
// Through functions without frame pointers.
[[gnu::noinline]] int call_below(void (*look)(), int depth) {
  volatile int room[20]{};
  if (depth == 0)
    look();
  else
    room[1] = call_below(look, depth - 1);
  return room[1] + 1;
}

TEST_F(StacksByTables, AreWhole) { call_below(expect_whole, 5); }
TEST_F(StacksByTables, AreWholeInOtherThreads) {
  std::thread([] { call_below(expect_whole, 5); }).join();
}
TEST_F(StacksByTables, EndWhereTheRoomDoes) {
  std::array<const void*, 3> few{};
  EXPECT_EQ(own_stack(few), 3U);
  EXPECT_EQ(own_stack(std::span(few).first(0)), 0U);
}

CallSite interrupted_at(const ucontext_t& context) {
  const auto& registers = context.uc_mcontext.gregs;
  const auto pointer = [&](int which) { return reinterpret_cast<const std::byte*>(registers[which]); };
  return {pointer(REG_RBP), pointer(REG_RIP) + 1, true, nullptr, pointer(REG_RSP)};
}

// After each instruction of the program's: the way up from there is what it is for the C library.
constexpr int kTrap = 0x100;  // of the flags
volatile bool steps = false;
volatile int stepped = 0;
volatile int wrong = 0;
void look_at_step(int, siginfo_t*, void* interrupted) {
  auto& context = *static_cast<ucontext_t*>(interrupted);
  if (!steps) {
    context.uc_mcontext.gregs[REG_EFL] &= ~greg_t{kTrap};
    return;
  }
  Stack stack;
  capture(interrupted_at(context), stack);
  const Tail tail = common_tail(stack.addresses());
  std::array<const void*, kMaxFrames> own{};
  const std::size_t depth = capture_own(interrupted_at(context), own);
  const bool is_same = depth == stack.depth && std::equal(own.begin(), own.begin() + depth, stack.frames.begin());
  if (tail.same < 3 || tail.same != stack.depth || tail.interrupted != 1 || !is_same) wrong = wrong + 1;
  stepped = stepped + 1;
}
[[gnu::noinline]] void step_through(void (*work)()) {
  struct sigaction action{};
  struct sigaction before{};
  action.sa_sigaction = look_at_step;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, &before);
  work();  // whose first calls go through the loader, where the frame's address is in another register
  steps = true;
  asm volatile("pushfq; orl %0, (%%rsp); popfq" : : "i"(kTrap) : "memory", "cc");
  work();
  steps = false;
  sigaction(SIGTRAP, &before, nullptr);
}
TEST_F(StacksByTables, AreWholeAtEachInstruction) {
#if TRESTLE_UNDER_TSAN
  GTEST_SKIP() << "ThreadSanitizer puts signals off";
#endif
  step_through([] {
    std::array<int, 5> all{3, 1, 2, 5, 4};
    qsort(all.data(), all.size(), sizeof all[0], [](const void* a, const void* b) {
      const volatile int both[2] = {*static_cast<const int*>(a), *static_cast<const int*>(b)};
      return both[0] - both[1];
    });
  });
  EXPECT_GT(stepped, 300);
  EXPECT_EQ(wrong, 0);
}

// What is loaded where something else was has rules of its own.
TEST_F(StacksByTables, AreWholeThroughWhatIsLoadedAnew) {
  std::array<const void*, 2> places{};
  for (std::size_t i = 0; i < places.size(); ++i) {
    void* const object = dlopen(i == 0 ? UNWOUND_400 : UNWOUND_800, RTLD_NOW);
    ASSERT_NE(object, nullptr) << dlerror();
    const auto call_back = reinterpret_cast<int (*)(void (*)())>(dlsym(object, "call_back"));
    ASSERT_NE(call_back, nullptr);
    places[i] = reinterpret_cast<const void*>(call_back);
    call_back(expect_whole);
    dlclose(object);
  }
  EXPECT_EQ(places[0], places[1]);  // or this says nothing
}

// A return address that lies behind the function's end, where another's rules hold.
std::jmp_buf out;
[[noreturn, gnu::noinline]] void look_and_leave(volatile int*) {
  expect_whole();
  std::longjmp(out, 1);
}
[[gnu::noinline]] void call_at_the_end(volatile int* room) {
  volatile int own[30];
  own[room[0] % 30] = 1;
  look_and_leave(own);
}
TEST_F(StacksByTables, AreWholeAboveACallThatDoesNotReturn) {
  volatile int room[1] = {0};
  if (setjmp(out) == 0) call_at_the_end(room);
}

// A stack that leads to itself.
[[gnu::noinline]] const void* place_of_call() { return __builtin_return_address(0); }
[[gnu::noinline]] const void* place_by_frame_pointer(std::size_t bytes) {
  auto* const room = static_cast<volatile char*>(__builtin_alloca(bytes));
  room[0] = 1;
  const void* const place = place_of_call();
  return room[0] == 1 ? place : nullptr;
}
TEST_F(StacksByTables, EndWhereTheyLeadBack) {
  const void* const place = place_by_frame_pointer(static_cast<std::size_t>(rand() % 100 + 50));
  std::array<const void*, 4> frames{};
  frames[0] = frames[2] = &frames[2];
  frames[1] = frames[3] = place;
  Stack stack;
  capture({&frames[0], place}, stack);
  EXPECT_EQ(stack.depth, 2U);
}
TEST_F(StacksByTables, EndWhereTheyLeadAway) {
  const void* const place = place_by_frame_pointer(static_cast<std::size_t>(rand() % 100 + 50));
  std::array<const void*, 2> frames{nullptr, place};
  const auto here = reinterpret_cast<std::uintptr_t>(&frames);
  for (const std::uintptr_t wild :
       {std::uintptr_t{0x1000}, UINTPTR_MAX - 15, here + (std::uintptr_t{1} << 30), here + 4}) {
    frames[0] = reinterpret_cast<const void*>(wild);
    std::array<const void*, 9> found{};
    EXPECT_EQ(capture_own({&frames[0], place}, found), 1U) << wild;
  }
}

// A signal's handler has a stack of its own, below the thread's or above.
volatile int handled = 0;
void look_from_handler(int) {
  interruptions = 1;
  call_below(expect_whole, 2);
  interruptions = 0;
  handled = handled + 1;
}
TEST_F(StacksByTables, LeadThroughAHandlerOnAnotherStack) {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  std::vector<std::byte> memory(2 * kBytes);
  for (const std::size_t place : {std::size_t{0}, kBytes}) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    ASSERT_EQ(pthread_attr_setstack(&attributes, memory.data() + place, kBytes), 0);
    pthread_t thread{};
    const auto run = [](void* handler_stack) -> void* {
      const stack_t other{handler_stack, 0, kBytes};
      sigaltstack(&other, nullptr);
      struct sigaction action{};
      action.sa_handler = look_from_handler;
      action.sa_flags = SA_ONSTACK;
      sigaction(SIGUSR1, &action, nullptr);
      call_below([] { raise(SIGUSR1); }, 3);
      const stack_t none{nullptr, SS_DISABLE, 0};
      sigaltstack(&none, nullptr);
      return nullptr;
    };
    ASSERT_EQ(pthread_create(&thread, &attributes, run, memory.data() + (kBytes - place)), 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
  }
  signal(SIGUSR1, SIG_DFL);
  EXPECT_EQ(handled, 2);
}

// A call of what is no code: who called it is on top of the stack.
[[gnu::noinline]] void expect_jump_is_followed() {
  auto* const frame = static_cast<const void* const*>(__builtin_frame_address(0));
  const void* const nowhere = reinterpret_cast<const void*>(0x1001);
  Stack stack;
  capture({frame[0], nowhere, true, frame[1], frame + 1}, stack);
  ASSERT_GT(stack.depth, 4U);
  EXPECT_EQ(stack.frames[0], nowhere);
  EXPECT_EQ(stack.frames[1], frame[1]);
  EXPECT_EQ(common_tail(stack.addresses()).same, stack.depth - 1);
}
TEST_F(StacksByTables, LeadOutOfAJumpToNowhere) { call_below(expect_jump_is_followed, 3); }

// Code that no object holds, and that keeps a frame pointer.
TEST_F(StacksByTables, LeadThroughCodeWithoutTables) {
  constexpr std::array<std::uint8_t, 8> kCall{0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};  // calls its argument
  void* const room = mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(room, MAP_FAILED);
  auto* const code = static_cast<std::byte*>(room) + 64;  // a sanitizer looks at what lies before a function
  std::memcpy(code, kCall.data(), kCall.size());
  static std::array<const void*, kMaxFrames> own;
  static std::size_t depth;
  static Stack stack;
  const auto look = [] {
    depth = own_stack(own);
    report_stack(stack);
    asm volatile("" : : : "memory");  // it returns here
  };
  void (*const looks)() = look;
  const auto call = reinterpret_cast<void (*)(void (*)())>(code);
  call(looks);
  const auto* const within = code + 6;
  const auto end = own.begin() + static_cast<std::ptrdiff_t>(depth);
  const auto at = std::find(own.begin(), end, within);
  ASSERT_NE(at, end);
  EXPECT_GT(end - at, 3);                                        // this test, and who called it
  EXPECT_GE(common_tail(std::span(own).first(depth)).same, 3U);  // all but the place in here
  // A report has no places that are no code.
  EXPECT_EQ(stack.depth, static_cast<std::size_t>(at - own.begin()));
  munmap(room, 4096);
}

#endif

}  // namespace
}  // namespace trestle
