// Threads that come and go, allocate, free, resize and hand blocks over while another checks the whole heap again and again
// and a third forks. TRESTLE_STRESS_ROUNDS in the environment makes it so many times as long.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "heap/fixture.hpp"

namespace trestle {
namespace {

template <class T>
class HeapThreadsTest : public HeapTest<T> {};
TYPED_TEST_SUITE(HeapThreadsTest, EveryPolicy, PolicyNames);

constexpr std::size_t kThreads = 8;
constexpr int kLives = 4;    // threads that do one worker's work, one after another
constexpr int kSpells = 10;  // of each life, with a check after each, more or less
constexpr int kRounds = 100;

int stress_rounds() {
  const char* const text = std::getenv("TRESTLE_STRESS_ROUNDS");
  if (text == nullptr) return 1;
  int rounds = 0;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, rounds);
  if (error == std::errc{} && stop == end && rounds > 0 && rounds <= 10000) return rounds;
  ADD_FAILURE() << "TRESTLE_STRESS_ROUNDS is no number from 1 to 10000: " << text;
  return 1;
}

struct Held {
  std::byte* at;
  std::size_t size;
  std::uint8_t mark;
};

// What was handed to a thread and waits for it.
class Inbox {
 public:
  void put(const Held& held) {
    const std::lock_guard guard(mutex_);
    waiting_.push_back(held);
  }
  void empty_into(std::vector<Held>& held) {
    const std::lock_guard guard(mutex_);
    held.insert(held.end(), waiting_.begin(), waiting_.end());
    waiting_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<Held> waiting_;
};

// One thread's work; counts what went wrong.
template <class H>
class Worker {
 public:
  Worker(H& heap, std::uint64_t seed, Inbox& own, Inbox& next) : heap_(heap), random_(seed), own_(own), next_(next) {}

  // Some of the work, after which the thread may end and another go on. What went wrong, in all.
  unsigned run(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      own_.empty_into(held_);
      if (held_.size() < 40 || random_below(random_, 2) == 0)
        allocate();
      else if (random_below(random_, 4) == 0)
        hand_over();
      else if (random_below(random_, 3) == 0)
        resize();
      else
        release();
    }
    return wrong_;
  }
  unsigned finish() {
    own_.empty_into(held_);
    while (!held_.empty()) release();
    return wrong_;
  }

 private:
  std::size_t any_size() {
    const std::uint64_t kind = random_below(random_, 200);
    if (kind == 0) return 300 * kKiB + random_below(random_, kMiB);
    if (kind < 6) return kLeastMaxSlot + random_below(random_, 200 * kKiB);
    return random_below(random_, kind < 20 ? 20000 : 600);
  }
  Held take_one() {
    std::swap(held_[random_below(random_, held_.size())], held_.back());
    const Held last = held_.back();
    held_.pop_back();
    wrong_ += first_other(last.at, last.size, last.mark) != nullptr;
    return last;
  }
  void keep(std::byte* at, std::size_t size) {
    if (at == nullptr) {
      ++wrong_;
      return;
    }
    held_.push_back({at, size, static_cast<std::uint8_t>(split_mix(random_))});
    fill(at, size, held_.back().mark);
  }
  void allocate() {
    const std::size_t size = any_size();
    keep(take(heap_, size), size);
  }
  void hand_over() { next_.put(take_one()); }
  void release() {
    const Held last = take_one();
    wrong_ += give(heap_, last.at, {.size = last.size}) != FaultKind::none;
  }
  void resize() {
    const Held old = take_one();
    const std::size_t size = any_size();
    std::byte* const at = regrow(heap_, old.at, size);
    wrong_ += at == nullptr || first_other(at, std::min(size, old.size), old.mark) != nullptr;
    keep(at, size);
  }

  H& heap_;
  std::uint64_t random_;
  Inbox& own_;
  Inbox& next_;
  std::vector<Held> held_;
  unsigned wrong_ = 0;
};

// Whether the child of a fork has a sound heap, in which every tier serves.
template <class H>
bool is_sound_in_child(H& heap) {
  heap.lock_all();
  const pid_t child = fork();
  if (child == 0) {
    heap.reset_locks();
    bool sound = faults_of(heap).empty();
    for (const std::size_t size : {std::size_t{0}, std::size_t{100}, kAnyBlockRequest, kMiB}) {
      std::byte* const at = take(heap, size);
      sound = sound && at != nullptr && give(heap, at) == FaultKind::none;
    }
    _exit(sound && faults_of(heap).empty() ? 0 : 1);
  }
  heap.unlock_all();
  int status = 1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

// The workers, and those who check and fork meanwhile.
template <class H>
class Stress {
 public:
  explicit Stress(H& heap) : heap_(heap) {}

  void run() {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) threads.emplace_back([this, i] { work(i); });
    std::thread checker([this] { check_on(); });
    fork_on();
    for (std::thread& thread : threads) thread.join();
    checker.join();
    for (Inbox& inbox : inboxes_) wrong += Worker(heap_, 1, inbox, inbox).finish();
  }

  std::atomic<unsigned> wrong{0};
  std::size_t found = 0;  // by checks
  unsigned forks = 0;
  unsigned unsound = 0;  // in children

 private:
  void work(std::size_t index) {
    Worker worker(heap_, index + 1, inboxes_[index], inboxes_[(index + 1) % kThreads]);
    const int all = kLives * stress_rounds();
    for (int life = 0; life < all; ++life) {
      ++lives_;
      std::thread([&] {
        for (int spell = 0; spell < kSpells; ++spell, ++spells_) worker.run(kRounds);
        heap_.leave_thread();
      }).join();
    }
    wrong += worker.finish();
    --running_;
  }
  void check_on() {
    unsigned checks = 0;
    for (unsigned seen = 0;
         running_ != 0 || checks < 2;) {  // at least one of each level, however late this thread runs
      const unsigned now = spells_;
      if (std::exchange(seen, now) == now && running_ != 0) {
        std::this_thread::yield();
        continue;
      }
      found += faults_of(heap_, checks % 2 == 0 ? CheckLevel::full : CheckLevel::quick).size();
      ++checks;
    }
  }
  void fork_on() {
    for (unsigned seen = 0; running_ != 0;) {  // whenever another thread begins
      const unsigned begun = lives_;
      if (std::exchange(seen, begun) == begun) {
        std::this_thread::yield();
        continue;
      }
      unsound += !is_sound_in_child(heap_);
      ++forks;
    }
  }

  H& heap_;
  std::array<Inbox, kThreads> inboxes_;
  std::atomic<std::size_t> running_{kThreads};
  std::atomic<unsigned> lives_{0};
  std::atomic<unsigned> spells_{0};
};

TYPED_TEST(HeapThreadsTest, ShareTheHeapWhileItIsCheckedAndForked) {
  auto& heap = this->heap_;
  Stress stress(heap);
  stress.run();
  EXPECT_EQ(stress.wrong, 0U);
  EXPECT_EQ(stress.found, 0U);
  EXPECT_NE(stress.forks, 0U);
  EXPECT_EQ(stress.unsound, 0U);
  EXPECT_EQ(heap.stats().live_blocks, 0U);
  EXPECT_EQ(heap.stats().allocations, heap.stats().deallocations);
  EXPECT_TRUE(faults_of(heap).empty());
}

// Two threads free the same block: exactly one is told so.
template <class H>
void expect_one_double_free(H& heap, std::size_t size) {
  for (int round = 0; round < 100; ++round) {
    std::byte* const at = take(heap, size);
    std::atomic<int> freed{0};
    std::atomic<int> refused{0};
    const auto free_it = [&] {
      const FaultKind kind = give(heap, at);
      freed += kind == FaultKind::none;
      refused += kind == FaultKind::double_free;
    };
    std::thread other(free_it);
    free_it();
    other.join();
    ASSERT_EQ(freed, 1) << size;
    ASSERT_EQ(refused, 1) << size;
  }
  EXPECT_TRUE(faults_of(heap).empty());
}

// Of a slot no lock is taken: two frees at the very same moment may both find it in use (docs/threat-model.md).
TYPED_TEST(HeapThreadsTest, OfTwoRacingFreesOfABlockOneIsADoubleFree) {
  expect_one_double_free(this->heap_, kAnyBlockRequest);
}

TYPED_TEST(HeapThreadsTest, OfTwoRacingFreesOfALargeBlockOneIsADoubleFree) {
  // find reads the descriptor of a span in use without the lock; that this one is no longer in use is the test's own race.
  if (TRESTLE_UNDER_TSAN) GTEST_SKIP() << "ThreadSanitizer reports the race that this test makes on purpose";
  expect_one_double_free(this->heap_, kMiB);
}

// Whether the thread of this process sleeps: nothing tells a lock's owner that somebody waits for it.
bool is_asleep(int thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t end = text.rfind(')');
  return end != std::string::npos && text.compare(end, 4, ") S ") == 0;
}

// Of two frees of an address of no bytes, one finds the span, and while it waits for the lock the other frees the last address
// of it, so that the span goes back: what the waiting one has found leads to no record any more.
template <class H, class Call>
void call_while_the_span_goes_back(H& heap, Call call) {
  void* const at = take(heap, 0);
  ASSERT_NE(at, nullptr);
  heap.lock_all();
  std::atomic<int> thread{0};
  std::thread other([&] {
    thread = static_cast<int>(gettid());
    call(at);
  });
  while (thread == 0 || !is_asleep(thread)) std::this_thread::yield();
  EXPECT_EQ(give(heap, at), FaultKind::none);
  EXPECT_TRUE(heap.trim(0));
  heap.unlock_all();
  other.join();
  EXPECT_TRUE(faults_of(heap).empty());
}

TYPED_TEST(HeapThreadsTest, ASpanOfAddressesThatGoesBackBeforeTheLockIsTakenIsNotFollowed) {
  if (TRESTLE_UNDER_TSAN) GTEST_SKIP() << "ThreadSanitizer reports the race that this test makes on purpose";
  auto& heap = this->heap_;
  call_while_the_span_goes_back(heap, [&](void* at) { EXPECT_EQ(give(heap, at), FaultKind::double_free); });
  call_while_the_span_goes_back(heap,
                                [&](void* at) { EXPECT_EQ(heap.reallocate(at, 10).kind, FaultKind::stale_pointer); });
  call_while_the_span_goes_back(heap,
                                [&](void* at) { EXPECT_EQ(heap.usable_size(at).kind, FaultKind::stale_pointer); });
}

}  // namespace
}  // namespace trestle
