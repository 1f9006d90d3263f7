// Threads that show whether they stand still, and what the tests of StoppedThreads ask of them.
#pragma once

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "base/arith.hpp"
#include "os/stopped_threads.hpp"

namespace trestle {
inline constexpr auto kStopped = os::StoppedThreads::Answer::stopped;
inline constexpr auto kRefused = os::StoppedThreads::Answer::refused;
inline constexpr auto kLate = os::StoppedThreads::Answer::late;

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
inline std::vector<int> own_children() {
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

}  // namespace trestle
