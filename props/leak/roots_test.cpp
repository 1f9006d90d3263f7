// mark_from_roots: what is found in stacks and registers, and what lies below a stack pointer is not.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <thread>

#include "leak/root_search.hpp"

namespace trestle {
namespace {

TEST_F(RootsTest, AreNoneAtFirst) {
  EXPECT_EQ(run_in_child([] { return looked(); }), kUnreached);
}

TEST_F(RootsTest, AreTheCallersStack) {
  EXPECT_EQ(run_in_child([] {
              void* volatile own = nullptr;
              keep(const_cast<void**>(&own));
              const int found = looked();
              own = nullptr;
              return found * 10 + looked();
            }),
            kReached * 10 + kUnreached);
}

// In a frame that nobody has taken down, far enough below.
[[gnu::noinline]] void leave_below() {
  std::array<void* volatile, 4000> frame{};
  for (auto& word : std::span(frame).first(2000)) word = hidden.block();
}
TEST_F(RootsTest, AreNotWhatLiesBelowTheStackPointer) {
  EXPECT_EQ(run_in_child([] {
              leave_below();
              return static_cast<int>(look());
            }),
            kUnreached);
}

// A thread that keeps the block in its frame (1), below it (2), or nowhere.
struct Keeper {
  enum class Where { nowhere, in_frame, below };
  explicit Keeper(Where where, const pthread_attr_t* attributes = nullptr) : where_(where) {
    started = pthread_create(&thread, attributes, run, this) == 0;
    while (started && !ready) std::this_thread::yield();
  }
  static void* run(void* context) {
    auto& self = *static_cast<Keeper*>(context);
    void* volatile own = nullptr;
    if (self.where_ == Where::in_frame) keep(const_cast<void**>(&own));
    if (self.where_ == Where::below) leave_below();
    self.wait();
    return own;
  }
  void wait() {
    ready = true;
    while (!done) asm volatile("");
  }
  void end() {
    done = true;
    pthread_join(thread, nullptr);
  }
  Where where_;
  std::atomic<bool> ready{false};
  std::atomic<bool> done{false};
  bool started = false;
  pthread_t thread{};
};

TEST_F(RootsTest, AreOtherThreadsStacks) {
  EXPECT_EQ(run_in_child([] {
              const Keeper keeper(Keeper::Where::in_frame);
              return looked();
            }),
            kReached);
  EXPECT_EQ(run_in_child([] {
              const Keeper keeper(Keeper::Where::below);
              return looked();
            }),
            kUnreached);
}

// Two stacks without a guard between them are one mapping.
TEST_F(RootsTest, AreAllOfStacksThatShareAMapping) {
  EXPECT_EQ(run_in_child([] {
              constexpr std::size_t kStack = 256 << 10;
              auto* const both = static_cast<std::byte*>(mapped(2 * kStack + kOsPage));
              mprotect(both, kOsPage, PROT_NONE);
              pthread_attr_t lower;
              pthread_attr_t upper;
              pthread_attr_init(&lower);
              pthread_attr_init(&upper);
              pthread_attr_setstack(&lower, both + kOsPage, kStack);
              pthread_attr_setstack(&upper, both + kOsPage + kStack, kStack);
              const Keeper keeper(Keeper::Where::in_frame, &lower);
              const Keeper other(Keeper::Where::nowhere, &upper);
              return looked();
            }),
            kReached);
}

// With memory below that nobody can read, and without.
TEST_F(RootsTest, AreWhatLiesBelowAStackInItsMapping) {
  for (const std::size_t closed : {std::size_t{0}, kOsPage, 16 * kOsPage}) {
    EXPECT_EQ(run_in_child([&] {
                constexpr std::size_t kPool = 1 << 20;
                auto* const pool = static_cast<std::byte*>(mapped(closed + kPool)) + closed;
                if (closed != 0) mprotect(pool - closed, closed, PROT_NONE);
                keep(reinterpret_cast<void**>(pool + 80));
                pthread_attr_t half;
                pthread_attr_init(&half);
                pthread_attr_setstack(&half, pool + kPool / 2, kPool / 2);
                const Keeper keeper(Keeper::Where::nowhere, &half);
                return looked();
              }),
              kReached);
  }
}

// The handler's stack lies in the frame of a function above the one that it interrupts.
std::atomic<int> seen_by_handler{-1};
[[gnu::noinline]] void raise_below() {
  void* volatile own = nullptr;
  keep(const_cast<void**>(&own));
  raise(SIGUSR1);
  own = nullptr;
}
TEST_F(RootsTest, AreTheFramesThatASignalHandlerInterrupted) {
  EXPECT_EQ(run_in_child([] {
              alignas(16) std::array<char, 131072> alternate{};
              stack_t stack{};
              stack.ss_sp = alternate.data();
              stack.ss_size = alternate.size();
              sigaltstack(&stack, nullptr);
              struct sigaction action{};
              action.sa_handler = [](int) { seen_by_handler = looked(); };
              action.sa_flags = SA_ONSTACK;
              sigaction(SIGUSR1, &action, nullptr);
              raise_below();
              return seen_by_handler.load();
            }),
            kReached);
}

// Another thread's fiber on a stack that is cut out of the frame of a function of ours, far above where we are.
struct Fiber {
  static void* run(void* context) {
    auto& self = *static_cast<Fiber*>(context);
    getcontext(&self.own);
    self.own.uc_stack.ss_sp = self.stack.data();
    self.own.uc_stack.ss_size = self.stack.size();
    self.own.uc_link = &self.back;
    running = &self;
    makecontext(&self.own, spin, 0);
    swapcontext(&self.back, &self.own);
    return nullptr;
  }
  static void spin() {
    running->ready = true;
    while (!running->done) asm volatile("");
  }
  static Fiber* running;
  std::span<std::byte> stack;
  std::atomic<bool> ready{false};
  std::atomic<bool> done{false};
  ucontext_t own{};
  ucontext_t back{};
};
Fiber* Fiber::running = nullptr;

[[gnu::noinline]] int look_from_below() {
  void* volatile own = nullptr;
  keep(const_cast<void**>(&own));
  const int found = looked();
  own = nullptr;
  return found;
}
TEST_F(RootsTest, AreFramesBelowAFiberThatLiesInTheSameStack) {
  EXPECT_EQ(run_in_child([] {
              alignas(16) std::array<std::byte, 131072> room{};
              static Fiber fiber;
              fiber.stack = room;
              pthread_t thread{};
              pthread_create(&thread, nullptr, Fiber::run, &fiber);
              while (!fiber.ready) std::this_thread::yield();
              _exit(look_from_below());  // and no further use of this stack, which is the fiber's too
              return 0;
            }),
            kReached);
}

// Of which one is the caller's, and another thread's control block lies elsewhere.
TEST_F(RootsTest, AreAllOfAPoolOfFibers) {
  EXPECT_EQ(run_in_child([] {
              constexpr std::size_t kPool = 1 << 20;
              auto* const pool = static_cast<std::byte*>(mapped(kPool));
              mprotect(pool, kOsPage, PROT_NONE);
              keep(reinterpret_cast<void**>(pool + 2 * kOsPage));
              static Fiber fiber;
              fiber.stack = {pool + kPool / 2, kPool / 2};
              pthread_t thread{};
              pthread_create(&thread, nullptr, Fiber::run, &fiber);
              while (!fiber.ready) std::this_thread::yield();
              return looked();
            }),
            kReached);
}

#if defined(__x86_64__)
// Which functions leave as they are; whoever uses one has it in its frame.
template <int kWhich>
int look_with_register() {
  forget();
  register void* rbx asm("rbx") = kWhich == 0 ? hidden.block() : nullptr;
  register void* r12 asm("r12") = kWhich == 1 ? hidden.block() : nullptr;
  register void* r13 asm("r13") = kWhich == 2 ? hidden.block() : nullptr;
  register void* r14 asm("r14") = kWhich == 3 ? hidden.block() : nullptr;
  register void* r15 asm("r15") = kWhich == 4 ? hidden.block() : nullptr;
  long found = 0;
  asm volatile("call *%6"
               : "=a"(found)
               : "r"(rbx), "r"(r12), "r"(r13), "r"(r14), "r"(r15), "0"(&look)
               : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc", "memory");
  return static_cast<int>(found);
}
TEST_F(RootsTest, AreTheCallersRegisters) {
  EXPECT_EQ(run_in_child(look_with_register<0>), kReached);
  EXPECT_EQ(run_in_child(look_with_register<1>), kReached);
  EXPECT_EQ(run_in_child(look_with_register<2>), kReached);
  EXPECT_EQ(run_in_child(look_with_register<3>), kReached);
  EXPECT_EQ(run_in_child(look_with_register<4>), kReached);
  EXPECT_EQ(run_in_child(look_with_register<5>), kUnreached);
}
#endif

// A stack as the C library makes them, and right above it another, on which the thread handles a signal.
TEST_F(RootsTest, AreTheFramesBelowAHandlerOfAnotherThread) {
  EXPECT_EQ(run_in_child([] {
              constexpr std::size_t kAlternate = 256 << 10;
              const std::size_t stack_bytes = default_stack_bytes();
              auto* const all = static_cast<std::byte*>(mapped(stack_bytes + kAlternate));
              mprotect(all, kOsPage, PROT_NONE);
              static std::byte* alternate;
              alternate = all + stack_bytes;
              static std::atomic<bool> inside;
              struct sigaction action{};
              action.sa_handler = [](int) {
                inside = true;
                for (;;) asm volatile("");
              };
              action.sa_flags = SA_ONSTACK;
              sigaction(SIGUSR1, &action, nullptr);
              pthread_attr_t attributes;
              pthread_attr_init(&attributes);
              pthread_attr_setstack(&attributes, all + kOsPage, stack_bytes - kOsPage);
              pthread_t thread{};
              pthread_create(
                  &thread, &attributes,
                  [](void*) -> void* {
                    stack_t stack{};
                    stack.ss_sp = alternate;
                    stack.ss_size = kAlternate;
                    sigaltstack(&stack, nullptr);
                    raise_below();
                    return nullptr;
                  },
                  nullptr);
              while (!inside) std::this_thread::yield();
              return looked();
            }),
            kReached);
}

}  // namespace
}  // namespace trestle
