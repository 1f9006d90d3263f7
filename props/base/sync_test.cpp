#include "base/sync.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

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

}  // namespace
}  // namespace trestle
