#include "base/sync.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include "child.hpp"

namespace trestle {
namespace {

constexpr int kThreads = 4;
constexpr int kRounds = 20000;

TEST(Mutex, ThreadsCountTogetherWithoutLosingOne) {
  static constinit Mutex mutex;
  static int counter = 0;
  counter = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < kRounds; ++round) {
        const Guard guard(mutex);
        ++counter;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, kThreads * kRounds);
}

// A waiter outlasts the spins and sleeps in the kernel; the release wakes it.
TEST(Mutex, ASleeperIsWoken) {
  Mutex mutex;
  std::atomic<bool> entered{false};
  mutex.lock();
  std::thread waiter([&] {
    const Guard guard(mutex);
    entered = true;
  });
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  EXPECT_FALSE(entered);
  mutex.unlock();
  waiter.join();
  EXPECT_TRUE(entered);
}

bool try_from_another_thread(Mutex& mutex) {
  bool got = false;
  std::thread other([&] {
    if (!mutex.try_lock()) return;
    got = true;
    mutex.unlock();
  });
  other.join();
  return got;
}

TEST(Mutex, TryLockFailsExactlyWhileItIsHeld) {
  Mutex mutex;
  EXPECT_TRUE(try_from_another_thread(mutex));
  {
    const Guard guard(mutex);
    EXPECT_FALSE(try_from_another_thread(mutex));
  }
  EXPECT_TRUE(try_from_another_thread(mutex));
}

TEST(Mutex, KnowsItsOwner) {
  Mutex mutex;
  EXPECT_FALSE(mutex.is_held_by_caller());
  mutex.lock();
  EXPECT_TRUE(mutex.is_held_by_caller());
  bool held_by_other = true;
  std::thread([&] { held_by_other = mutex.is_held_by_caller(); }).join();
  EXPECT_FALSE(held_by_other);
  mutex.unlock();
  EXPECT_FALSE(mutex.is_held_by_caller());
}

TEST(Mutex, AResetFreesIt) TRESTLE_NO_THREAD_SAFETY_ANALYSIS {
  Mutex mutex;
  mutex.lock();
  mutex.reset();
  EXPECT_FALSE(mutex.is_held_by_caller());
  EXPECT_TRUE(try_from_another_thread(mutex));
}

TEST(Shared, CopiesItsValue) {
  Shared<int> one = 5;
  Shared<int> other = one;
  other = other + 1;
  EXPECT_EQ(one, 5);
  EXPECT_EQ(other, 6);
  one = other;
  EXPECT_EQ(one, 6);
}

// The owner adds to a number that nothing else guards; whoever closes the gate adds to it as well. So many times at least.
bool are_kept_apart(const long times) {
  Gate gates[2];
  static long sums[2];  // plain: only the gates keep two from adding at once
  sums[0] = sums[1] = 0;
  std::atomic<long> rounds[2] = {0, 0};
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([i, &gates, &rounds, &done] {
      while (!done) {
        if (!gates[i].try_enter() && !gates[i].try_enter_slowly()) {
          std::this_thread::yield();
          continue;
        }
        const long before = sums[i];
        for (int inside = 0; inside < 300; ++inside) std::atomic_signal_fence(std::memory_order_seq_cst);
        sums[i] = before + 1;
        gates[i].leave();
        ++rounds[i];
      }
    });
  }
  long added = 0;
  while (added < times || rounds[0] < times || rounds[1] < times) {
    for (Gate& gate : gates) gate.close();
    Gate::await_owners();
    for (Gate& gate : gates) gate.await_empty();
    for (long& sum : sums) ++sum;
    ++added;
    for (Gate& gate : gates) gate.open();
    std::this_thread::yield();
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  return sums[0] == rounds[0] + added && sums[1] == rounds[1] + added;
}

// As in many a sandbox: refused from the beginning (unless a test in front of this has asked for it), or once owners rely on it.
TEST(Gate, KeepsThemApartWithoutTheKernelsBarrierToo) {
  if (TRESTLE_UNDER_TSAN) GTEST_SKIP() << "it starts no threads in a child";
  for (const bool is_late : {false, true}) {
    EXPECT_EQ(run_in_child([&] {
                if (is_late) Gate::prepare();
                const bool had_barrier = Gate().try_enter();
                if (!forbid_call(SYS_membarrier, SECCOMP_RET_ERRNO | ENOSYS)) return 1;
                Gate::prepare();
                Gate gate;
                if (gate.try_enter() != had_barrier) return 2;
                gate.leave();
                if (!gate.try_enter_slowly()) return 3;
                gate.leave();
                return are_kept_apart(100) ? 0 : 4;
              }),
              0)
        << is_late;
  }
}

TEST(Gate, LetsItsOwnerInOnceAndNotWhileItIsClosed) {
  Gate::prepare();
  Gate gate;
  ASSERT_TRUE(gate.try_enter());
  EXPECT_TRUE(gate.is_entered());
  EXPECT_FALSE(gate.try_enter()) << "inside already";
  EXPECT_FALSE(gate.try_enter_slowly()) << "inside already";
  gate.leave();
  gate.close();
  EXPECT_FALSE(gate.try_enter() || gate.try_enter_slowly());
  EXPECT_FALSE(gate.is_entered());
  gate.open();
  EXPECT_TRUE(gate.try_enter_slowly());
  gate.leave();
}

// Who asks from inside, as a signal's handler, has not to wait for whoever has seen it empty.
TEST(Gate, IsAwaitedFromItsClosingUntilItWasSeenEmpty) {
  Gate gate;
  for (int round = 0; round < 2; ++round) {
    EXPECT_FALSE(gate.is_awaited());
    gate.close();
    EXPECT_TRUE(gate.is_awaited());
    gate.await_empty();
    EXPECT_FALSE(gate.is_awaited());
    EXPECT_FALSE(gate.try_enter_slowly());
    gate.open();
    ASSERT_TRUE(gate.try_enter_slowly()) << "it is as it was";
    gate.leave();
  }
}

TEST(Gate, IsEmptyAndOpenAfterAReset) {
  Gate::prepare();
  Gate gate;
  ASSERT_TRUE(gate.try_enter_slowly());
  gate.close();
  gate.reset();
  EXPECT_FALSE(gate.is_entered());
  EXPECT_TRUE(gate.try_enter_slowly());
}

TEST(Gate, KeepsOwnersAndOthersApart) {
  Gate::prepare();
  EXPECT_TRUE(are_kept_apart(2000));
}

TEST(UniqueNumber, NeverComesTwice) {
  const std::uint64_t first = unique_number();
  EXPECT_NE(unique_number(), first);
}

}  // namespace
}  // namespace trestle
