// StoppedThreads: all others stand still, what their registers hold is known, and they go on as if nothing had been.
#include "os/stopped_threads.hpp"

#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "base/arith.hpp"
#include "child.hpp"

namespace trestle {
namespace {

constexpr auto kStopped = os::StoppedThreads::Answer::stopped;
constexpr auto kRefused = os::StoppedThreads::Answer::refused;
constexpr auto kLate = os::StoppedThreads::Answer::late;

enum class Holds { nothing, in_register, in_vector };

// Another thread that counts for as long as it is there, with a word in a register that nobody else has.
class Counting {
 public:
  explicit Counting(Holds holds = Holds::nothing, std::uintptr_t word = 0, bool deaf = false)
      : thread_([this, holds, word, deaf] { run(holds, word, deaf); }) {
    while (count() == 0) std::this_thread::yield();
  }
  ~Counting() {
    __atomic_store_n(&done_, 1, __ATOMIC_RELEASE);
    thread_.join();
  }
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;
  [[nodiscard]] std::uint64_t count() const { return __atomic_load_n(&count_, __ATOMIC_ACQUIRE); }
  [[nodiscard]] int id() const { return id_; }
  [[nodiscard]] std::uintptr_t thread_pointer() const { return thread_pointer_; }
  [[nodiscard]] std::uintptr_t frame() const { return frame_; }
  [[nodiscard]] pthread_t handle() { return thread_.native_handle(); }

 private:
  void run(Holds holds, std::uintptr_t word, bool deaf) {
    sigset_t all;
    sigfillset(&all);
    if (deaf) pthread_sigmask(SIG_SETMASK, &all, nullptr);
    id_ = os::thread_id();
    thread_pointer_ = address_of(__builtin_thread_pointer());
    frame_ = address_of(__builtin_frame_address(0));
    // In assembly, so that the word is where it is said to be however this is compiled.
#if defined(__x86_64__)
    if (holds == Holds::in_register) {
      asm volatile("1: lock incq %0\n\tcmpl $0, %1\n\tje 1b" : "+m"(count_) : "m"(done_), "r"(word) : "cc", "memory");
    } else if (holds == Holds::in_vector) {
      asm volatile("movq %2, %%xmm13\n\txorl %k2, %k2\n1:\tlock incq %0\n\tcmpl $0, %1\n\tje 1b"
                   : "+m"(count_), "+m"(done_), "+r"(word)
                   :
                   : "cc", "memory", "xmm13");
    }
#else
    (void)holds, (void)word;
#endif
    while (__atomic_load_n(&done_, __ATOMIC_ACQUIRE) == 0) __atomic_fetch_add(&count_, 1, __ATOMIC_ACQ_REL);
  }

  std::uint64_t count_ = 0;
  std::uint32_t done_ = 0;
  std::atomic<int> id_{0};
  std::atomic<std::uintptr_t> thread_pointer_{0};
  std::atomic<std::uintptr_t> frame_{0};
  std::thread thread_;
};

// The tasks that this thread made and that are no threads.
std::vector<int> own_children() {
  std::ifstream file("/proc/thread-self/children");
  return {std::istream_iterator<int>(file), {}};
}

class StoppedThreadsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (TRESTLE_UNDER_TSAN) GTEST_SKIP() << "a task that shares its memory is nothing that it knows of";
  }
  // As nearly as can be seen without a clock.
  static bool stands_still(const Counting& thread) {
    const std::uint64_t before = thread.count();
    for (int i = 0; i < 100'000; ++i)
      if (thread.count() != before) return false;
    return true;
  }
  static void expect_to_go_on(const Counting& thread) {
    const std::uint64_t before = thread.count();
    while (thread.count() == before) std::this_thread::yield();
  }
  static const os::StoppedThreads::Thread* find(const os::StoppedThreads& stopped, int id) {
    const auto all = stopped.threads();
    const auto found = std::find_if(all.begin(), all.end(), [=](const auto& thread) { return thread.id == id; });
    return found == all.end() ? nullptr : &*found;
  }
};

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
