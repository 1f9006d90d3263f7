// StoppedThreads: all others stand still, what their registers hold is known, and they go on as if nothing had been.
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "child.hpp"
#include "os/counting_thread.hpp"
#include "os/faltering_call.hpp"

namespace trestle {
namespace {

TEST_F(StoppedThreadsTest, StandStillAndGoOn) {
  const Counting first;
  const Counting second;
  os::StoppedThreads stopped;  // goes before the threads do
  for (int round = 0; round < 20; ++round) {
    ASSERT_EQ(stopped.stop(), kStopped);
    EXPECT_NE(find(stopped, first.id()), nullptr);
    EXPECT_NE(find(stopped, second.id()), nullptr);
    EXPECT_EQ(find(stopped, os::thread_id()), nullptr) << "the caller";
    EXPECT_TRUE(stands_still(first) && stands_still(second));
    stopped.let_go();
    EXPECT_TRUE(stopped.threads().empty());
    expect_to_go_on(first);
    expect_to_go_on(second);
  }
}

TEST_F(StoppedThreadsTest, AreAlsoThoseThatBlockAllSignals) {
  const Counting deaf(Holds::nothing, 0, true);
  os::StoppedThreads stopped;  // goes before the threads do
  ASSERT_EQ(stopped.stop(), kStopped);
  EXPECT_TRUE(stands_still(deaf));
}

#if defined(__x86_64__)
TEST_F(StoppedThreadsTest, ShowTheirRegisters) {
  constexpr std::uintptr_t kWord = 0x5AFE'C0DE'1234'5678;
  for (const Holds holds : {Holds::nothing, Holds::in_register, Holds::in_vector}) {
    const Counting thread(holds, holds == Holds::nothing ? 0 : kWord);
    os::StoppedThreads stopped;  // goes before the threads do
    ASSERT_EQ(stopped.stop(), kStopped);
    const auto words = stopped.words_of(*find(stopped, thread.id()));
    EXPECT_EQ(std::find(words.begin(), words.end(), kWord) != words.end(), holds != Holds::nothing);
  }
}
#endif

TEST_F(StoppedThreadsTest, ShowTheirStacksAndControlBlocks) {
  const Counting thread;
  os::StoppedThreads stopped;  // goes before the threads do
  ASSERT_EQ(stopped.stop(), kStopped);
  const auto* const seen = find(stopped, thread.id());
  ASSERT_NE(seen, nullptr);
  EXPECT_LT(seen->stack_pointer, thread.frame());
  EXPECT_LT(thread.frame() - seen->stack_pointer, std::uintptr_t{1} << 16);
#if defined(__x86_64__)
  EXPECT_EQ(seen->thread_pointer, thread.thread_pointer());
#endif
}

// Then nobody has to be traced.
TEST_F(StoppedThreadsTest, MayBeNone) {
  EXPECT_EQ(
      run_in_child([] {
        os::StoppedThreads stopped;
        if (!forbid_call(SYS_ptrace, SECCOMP_RET_KILL_PROCESS) || !forbid_call(SYS_clone, SECCOMP_RET_KILL_PROCESS))
          return 1;
        if (stopped.stand() || stopped.stop() != kStopped || !stopped.stand()) return 2;
        if (!stopped.threads().empty() || !stopped.memory().empty()) return 3;
        stopped.let_go();
        stopped.let_go();
        return stopped.stand() ? 4 : 0;
      }),
      0);
}

// Who traced them is gone by then, and its number may be another's.
TEST_F(StoppedThreadsTest, AreLetGoWithoutASignalToTheirTracer) {
  EXPECT_EQ(run_in_child([] {
              const Counting thread;
              os::StoppedThreads stopped;
              if (!falter(SYS_kill, 0, 0)) return 1;
              if (stopped.stop() != kStopped) return 2;
              stopped.let_go();
              return Faltering::calls == 0 ? 0 : 3;
            }),
            0);
}

TEST_F(StoppedThreadsTest, AreLetGoInTheEnd) {
  const Counting thread;
  {
    os::StoppedThreads inner;
    ASSERT_EQ(inner.stop(), kStopped);
  }
  expect_to_go_on(thread);
}

// A signal that comes meanwhile is not lost, neither the caller's nor another's.
TEST_F(StoppedThreadsTest, GetTheSignalsThatCameMeanwhile) {
  static std::atomic<int> heard;
  heard = 0;
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) { ++heard; };
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  Counting thread;
  {
    os::StoppedThreads stopped;
    ASSERT_EQ(stopped.stop(), kStopped);
    pthread_kill(thread.handle(), SIGUSR1);
    raise(SIGUSR1);
    EXPECT_EQ(heard, 0);
  }
  while (heard != 2) std::this_thread::yield();
  sigaction(SIGUSR1, &before, nullptr);
}

// Threads come and go while they are being stopped.
TEST_F(StoppedThreadsTest, AreAllThatThereAre) {
  std::atomic<bool> done{false};
  std::thread maker([&] {
    while (!done) std::thread([] {}).join();
  });
  for (int round = 0; round < 50; ++round) {
    os::StoppedThreads stopped;
    EXPECT_EQ(stopped.stop(), kStopped);
    EXPECT_GE(stopped.threads().size(), 1U);
  }
  done = true;
  maker.join();
}

// Each makes the next and ends.
TEST_F(StoppedThreadsTest, AreThoseToComeAsWell) {
  struct Chain {
    static void* link(void* context) {
      auto& chain = *static_cast<Chain*>(context);
      ++chain.links;
      pthread_t next{};
      if (!chain.done && pthread_create(&next, nullptr, link, context) == 0) {
        pthread_detach(next);
        return nullptr;
      }
      chain.ended = true;
      return nullptr;
    }
    std::atomic<std::uint64_t> links{0};
    std::atomic<bool> done{false};
    std::atomic<bool> ended{false};
  } chain;
  pthread_t first{};
  ASSERT_EQ(pthread_create(&first, nullptr, Chain::link, &chain), 0);
  pthread_detach(first);
  for (int round = 0; round < 200; ++round) {
    os::StoppedThreads stopped;
    ASSERT_EQ(stopped.stop(), kStopped);
    const std::uint64_t before = chain.links;
    for (int i = 0; i < 20; ++i) std::this_thread::yield();
    EXPECT_EQ(chain.links, before);
  }
  chain.done = true;
  while (!chain.ended) std::this_thread::yield();
}

TEST_F(StoppedThreadsTest, AreNotStoppedWhereNobodyMayTrace) {
  for (const std::uint32_t action : {SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_KILL_PROCESS}) {
    EXPECT_EQ(run_in_child([&] {
                const Counting thread;
                os::StoppedThreads stopped;
                if (!forbid_call(SYS_ptrace, action)) return 1;
                constexpr std::uint64_t kForEver = UINT64_MAX;
                if (stopped.stop(kForEver) != kRefused || stopped.stand() || !stopped.threads().empty()) return 2;
                expect_to_go_on(thread);
                return own_children().empty() ? 0 : 3;
              }),
              0);
  }
}

TEST_F(StoppedThreadsTest, AreNotStoppedWhereTheSystemRefuses) {
  constexpr auto kNoMemory = os::StoppedThreads::Answer::no_memory;
  const std::vector<std::pair<long, os::StoppedThreads::Answer>> calls{{SYS_clone, kRefused},
                                                                       {SYS_openat, kRefused},
                                                                       {SYS_getdents64, kRefused},
                                                                       {SYS_mmap, kNoMemory},
                                                                       {SYS_mprotect, kNoMemory}};
  for (const auto& [call, answer] : calls) {
    EXPECT_EQ(run_in_child([&, refused = call, wanted = answer] {
                const Counting thread;
                os::StoppedThreads stopped;
                if (!(refused == SYS_clone ? forbid_processes() : forbid_call(refused, SECCOMP_RET_ERRNO | ENOMEM)))
                  return 1;
                errno = 77;
                if (stopped.stop() != wanted || stopped.stand() || !stopped.threads().empty()) return 2;
                if (errno != 77 || !stopped.memory().empty()) return 3;
                expect_to_go_on(thread);
                return 0;
              }),
              0)
        << call;
  }
}

TEST_F(StoppedThreadsTest, StandStillAlsoWhereTheirRegistersCannotBeRead) {
  EXPECT_EQ(run_in_child([] {
              const Counting thread;
              os::StoppedThreads stopped;
              constexpr std::size_t kRequest = 0;
              if (!forbid_call_with(SYS_ptrace, kRequest, PTRACE_GETREGSET, SECCOMP_RET_ERRNO | EIO)) return 1;
              if (stopped.stop() != kStopped || !stands_still(thread)) return 2;
              const auto* const seen = find(stopped, thread.id());
              if (seen == nullptr || seen->stack_pointer != 0 || !stopped.words_of(*seen).empty()) return 3;
              stopped.let_go();
              expect_to_go_on(thread);
              return 0;
            }),
            0);
}

TEST_F(StoppedThreadsTest, KeepTheCallersErrnoAndMask) {
  sigset_t before;
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  os::StoppedThreads stopped;
  errno = 77;
  ASSERT_EQ(stopped.stop(), kStopped);
  EXPECT_EQ(errno, 77);
  stopped.let_go();
  EXPECT_EQ(errno, 77);
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int number = 1; number < SIGRTMAX; ++number)
    EXPECT_EQ(sigismember(&before, number), sigismember(&after, number)) << number;
}

}  // namespace
}  // namespace trestle
