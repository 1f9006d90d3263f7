// StoppedThreads: neither the task that holds them nor one of them, the process or its first thread may end so that others stand
// still for ever.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "child.hpp"
#include "os/counting_thread.hpp"

namespace trestle {
namespace {

TEST_F(StoppedThreadsTest, GoOnWhenTheTaskThatHoldsThemIsKilled) {
  const Counting thread;
  os::StoppedThreads stopped;  // goes before the threads do
  ASSERT_EQ(stopped.stop(), kStopped);
  EXPECT_TRUE(stopped.stand());
  const std::vector<int> children = own_children();
  ASSERT_EQ(children.size(), 1U);
  kill(children[0], SIGKILL);
  while (stopped.stand()) std::this_thread::yield();
  expect_to_go_on(thread);
  stopped.let_go();
  ASSERT_EQ(stopped.stop(), kStopped) << "another takes its place";
}

TEST_F(StoppedThreadsTest, DoNotKeepAProcessThatIsKilled) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    const Counting thread;
    os::StoppedThreads stopped;
    const char word = stopped.stop() == kStopped ? 'y' : 'n';
    (void)!write(ends[1], &word, 1);
    for (;;) pause();
  }
  char word = '?';
  ASSERT_EQ(read(ends[0], &word, 1), 1);
  EXPECT_EQ(word, 'y');
  kill(child, SIGKILL);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  for (const int end : ends) close(end);
}

TEST_F(StoppedThreadsTest, DoNotKeepOneOfThemFromExec) {
  for (int round = 0; round < 30; ++round) {
    EXPECT_EQ(run_in_child([&] {
                std::thread([&] {
                  for (int i = 0; i < round * 3000; ++i) asm volatile("");
                  execl("/bin/true", "true", nullptr);
                }).detach();
                for (;;) {
                  os::StoppedThreads stopped;
                  std::ignore = stopped.stop();
                }
                return 1;
              }),
              0);
  }
}

// Its memory is the process's no more, but that of the others is.
TEST_F(StoppedThreadsTest, MayLackTheProcessesFirstThread) {
  EXPECT_EQ(run_in_child([&]() -> int {
              std::thread([first = os::thread_id()] {
                std::string state;
                while (state != "Z") {
                  std::ifstream file("/proc/self/task/" + std::to_string(first) + "/stat");
                  std::string word;
                  file >> word >> word >> state;
                }
                const Counting thread;
                os::StoppedThreads stopped;
                const std::uintptr_t here = 12;
                std::uintptr_t copy = 0;
                const bool read = os::read_own_memory(&here, &copy, sizeof here) && copy == here;
                _exit(stopped.stop() == kStopped && find(stopped, thread.id()) != nullptr && read ? 0 : 1);
              }).detach();
              syscall(SYS_exit, 0);
              return 2;
            }),
            0);
}

// At any moment of its end: nobody is told of that before all others have ended.
TEST_F(StoppedThreadsTest, AreNotKeptByAFirstThreadThatEndsMeanwhile) {
  for (int round = 0; round < 200; ++round) {
    EXPECT_EQ(run_in_child([&]() -> int {
                static std::atomic<bool> begun;
                static std::atomic<bool> ending;
                std::thread([] {
                  for (int after = 0; after < 3; after += ending ? 1 : 0) {
                    os::StoppedThreads stopped;
                    begun = true;
                    if (stopped.stop(UINT64_MAX) != kStopped) _exit(1);
                  }
                  _exit(0);
                }).detach();
                while (!begun) std::this_thread::yield();
                for (int i = 0; i < round * 500; ++i) asm volatile("");
                ending = true;
                syscall(SYS_exit, 0);
                return 2;
              }),
              0);
  }
}

// The parent of a vfork waits in the kernel for its child.
TEST_F(StoppedThreadsTest, AreNotWaitedForForEver) {
  struct Vforked {
    std::array<int, 2> ends{};
    std::atomic<bool> begun{false};
  } forked;
  ASSERT_EQ(pipe(forked.ends.data()), 0);
  std::thread parent([&forked] {
    if (vfork() != 0) return;  // NOLINT(bugprone-unsafe-functions): what is tested
    forked.begun = true;
    char unused = 0;
    (void)!read(forked.ends[0], &unused, 1);
    _exit(0);
  });
  while (!forked.begun) std::this_thread::yield();
  const Counting thread;
  os::StoppedThreads stopped;
  EXPECT_EQ(stopped.stop(100'000'000), kLate);
  expect_to_go_on(thread);
  (void)!write(forked.ends[1], "x", 1);
  parent.join();
  EXPECT_EQ(stopped.stop(), kStopped);
  stopped.let_go();
  for (const int end : forked.ends) close(end);
}

TEST_F(StoppedThreadsTest, AreLetGoByOneThatIsToBeCancelled) {
  const Counting thread;
  std::atomic<bool> done{false};
  std::thread cancelled([&] {
    pthread_cancel(pthread_self());
    os::StoppedThreads stopped;
    done = stopped.stop() == kStopped;
    stopped.let_go();
  });
  cancelled.join();
  EXPECT_TRUE(done);
  expect_to_go_on(thread);
}

}  // namespace
}  // namespace trestle
