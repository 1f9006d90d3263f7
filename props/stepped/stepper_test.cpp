// Threads a step at a time: who goes on is what was asked for, and those that go on no more are told of.
#include "stepper.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/sync.hpp"
#include "ops/runners.hpp"
#include "shared_words.hpp"

namespace trestle::stepped {
namespace {

// Each thread says its letter at each of its steps.
struct Voices {
  std::string said;
  std::size_t steps = 3;
  std::vector<std::vector<std::uint32_t>> preemptions{4};

  static void speak(void* self, std::size_t thread) {
    auto& voices = *static_cast<Voices*>(self);
    preempt_after(voices.preemptions[thread]);
    for (std::size_t i = 0; i < voices.steps; ++i) {
      step();
      voices.said += static_cast<char>('a' + thread);
    }
  }
  Ended run(std::size_t threads) { return stepped::run({.threads = threads, .body = &Voices::speak, .context = this}); }
};

TEST(Stepper, RunsOneThreadAfterTheOther) {
  Voices voices;
  const Ended ended = voices.run(3);
  EXPECT_EQ(voices.said, "aaabbbccc");
  EXPECT_EQ(ended.how, Ending::done);
  EXPECT_EQ(ended.steps, 9U);
  EXPECT_EQ(ended.turns, 3U);
}

TEST(Stepper, PreemptsAfterSoManyStepsOfTheThreadsOwn) {
  Voices voices;
  voices.preemptions = {{1}, {2}, {}};
  EXPECT_EQ(voices.run(3).how, Ending::done);
  EXPECT_EQ(voices.said, "abbcccaab");
}

TEST(Stepper, PreemptsAgainAndAgain) {
  Voices voices;
  voices.preemptions = {{1, 1}, {0, 1}};
  EXPECT_EQ(voices.run(2).how, Ending::done);
  EXPECT_EQ(voices.said, "aababb");
}

TEST(Stepper, RunsTheSameTwice) {
  const auto once = [] {
    Voices voices;
    voices.steps = 50;
    voices.preemptions = {{7, 3}, {1, 1, 1}, {20}, {0, 0, 5}};
    EXPECT_EQ(voices.run(4).how, Ending::done);
    return voices.said;
  };
  EXPECT_EQ(once(), once());
}

TEST(Stepper, TellsOfEachTurnInNobodysTurn) {
  struct Turns {
    std::vector<std::size_t> seen;
  } turns;
  const Ended ended = run({.threads = 2,
                           .body = [](void*, std::size_t) { pass_on(); },
                           .turned =
                               [](void* context, std::size_t thread) {
                                 step();
                                 pass_on();
                                 static_cast<Turns*>(context)->seen.push_back(thread);
                               },
                           .context = &turns});
  EXPECT_EQ(turns.seen, (std::vector<std::size_t>{0, 1, 0, 1}));
  EXPECT_EQ(ended.turns, 4U);
}

TEST(Stepper, TakesNoStepWhereSomeAreNotAskedFor) {
  const auto body = [](void*, std::size_t) {
    const Unstepped unstepped;
    step();
    const Stepped stepped;
    step();
  };
  EXPECT_EQ(run({.body = body}).steps, 1U);
}

TEST(Stepper, WakesWhoHasSleptForLongest) {
  struct Sleepers {
    std::string woken;
    int place = 0;
  } sleepers;
  const auto body = [](void* context, std::size_t thread) {
    auto& all = *static_cast<Sleepers*>(context);
    if (thread == 2) {
      wake_one(&all.place);
      pass_on();
      wake_one(&all.place);
      return;
    }
    sleep_on(&all.place);
    all.woken += static_cast<char>('a' + thread);
  };
  EXPECT_EQ(run({.threads = 3, .body = body, .context = &sleepers}).how, Ending::done);
  EXPECT_EQ(sleepers.woken, "ab");
}

TEST(Stepper, EndsWhereAllSleep) {
  int place = 0;
  const auto body = [](void* context, std::size_t thread) {
    if (thread == 0) sleep_on(context);
  };
  EXPECT_EQ(run({.threads = 2, .body = body, .context = &place}).how, Ending::deadlock);
}

TEST(Stepper, EndsWhereNobodyComesToAnEnd) {
  const auto body = [](void*, std::size_t) {
    for (;;) pass_on();
  };
  const Ended ended = run({.threads = 2, .most_steps = 100, .body = body});
  EXPECT_EQ(ended.how, Ending::endless);
  EXPECT_EQ(ended.steps, 101U);
}

TEST(Stepper, EndsWhereItIsToldTo) {
  Voices voices;
  const auto body = [](void* context, std::size_t thread) {
    if (thread == 1) end_run();
    Voices::speak(context, thread);
  };
  EXPECT_EQ(run({.threads = 3, .body = body, .context = &voices}).how, Ending::ended);
  EXPECT_EQ(voices.said, "aaa");
}

// At each access of an atomic, whoever else has accessed it; what interrupts it interrupts it once.
TEST(Stepper, InterruptsAThreadAtAnAccess) {
  struct Interrupted {
    Atomic<int> word{0};
    std::vector<int> seen;
  } one;
  const auto body = [](void* context, std::size_t) {
    auto& all = *static_cast<Interrupted*>(context);
    const auto handle = [](void* at) {
      auto& interrupted = *static_cast<Interrupted*>(at);
      interrupted.seen.push_back(interrupted.word.load(std::memory_order_relaxed));
    };
    interrupt_at(2, handle, context);
    for (int i = 1; i <= 5; ++i) all.word.store(i, std::memory_order_relaxed);
  };
  EXPECT_EQ(run({.body = body, .context = &one}).how, Ending::done);
  EXPECT_EQ(one.seen, std::vector<int>{2});
}

TEST(Stepper, GoesOnWithoutThoseThatAreLost) {
  Voices voices;
  const auto body = [](void* context, std::size_t thread) {
    if (thread == 0) pass_on();
    if (thread == 1) lose(2);
    if (thread == 0) lose_self();
    Voices::speak(context, thread);
  };
  EXPECT_EQ(run({.threads = 3, .body = body, .context = &voices}).how, Ending::done);
  EXPECT_EQ(voices.said, "bbb");
}

TEST(Stepper, IsNothingOutsideOfARun) {
  step();
  pass_on();
  const std::uint64_t caller = self();
  EXPECT_EQ(caller % 2, 0U);
  EXPECT_NE(caller, 0U);
}

// The library's mutex, over the harness's atomics.
struct Locks {
  Mutex left;
  Mutex right;
  int inside = 0;
  int most = 0;
};

TEST(SteppedMutex, LetsOneThreadInWhereverAnotherIsPreempted) {
  for (std::uint32_t after = 0; after < 12; ++after) {
    struct Case {
      Locks locks;
      std::uint32_t after;
    } one{.locks = {}, .after = after};
    const auto body = [](void* context, std::size_t) {
      auto& [locks, steps] = *static_cast<Case*>(context);
      const std::uint32_t preemptions[] = {steps, steps};
      preempt_after(preemptions);
      for (int i = 0; i < 2; ++i) {
        const Guard guard(locks.left);
        locks.most = std::max(locks.most, ++locks.inside);
        step();
        --locks.inside;
      }
      preempt_after({});
    };
    EXPECT_EQ(run({.threads = 4, .body = body, .context = &one}).how, Ending::done) << after;
    EXPECT_EQ(one.locks.most, 1) << after;
  }
}

bool was_told = false;
void tell() noexcept {
  was_told = true;
  end_run();
}

TEST(SteppedMutex, TellsWhoAsksForWhatItHolds) {
  Locks locks;
  was_told = false;
  Mutex::on_reentry(tell);
  const auto body = [](void* context, std::size_t) TRESTLE_NO_THREAD_SAFETY_ANALYSIS {
    auto& both = *static_cast<Locks*>(context);
    both.left.lock();
    both.left.lock();
  };
  EXPECT_EQ(run({.threads = 1, .body = body, .context = &locks}).how, Ending::ended);
  EXPECT_TRUE(was_told);
}

TEST(SteppedMutex, TellsOfNoWaitThatEnds) {
  Locks locks;
  was_told = false;
  Mutex::on_reentry(tell);
  const auto body = [](void* context, std::size_t thread) {
    auto& both = *static_cast<Locks*>(context);
    const Guard left(both.left);
    pass_on();
    if (thread % 2 == 0) {
      const Guard right(both.right);
      pass_on();
    }
  };
  EXPECT_EQ(run({.threads = 4, .body = body, .context = &locks}).how, Ending::done);
  EXPECT_FALSE(was_told);
}

TEST(SharedWords, AreThoseThatAnotherThreadHasAccessed) {
  SharedWords words;
  std::uint64_t memory[2] = {};
  EXPECT_FALSE(words.note(&memory[0], 0));
  EXPECT_FALSE(words.note(&memory[0], 0));
  EXPECT_TRUE(words.note(reinterpret_cast<std::byte*>(memory) + 7, 1));
  EXPECT_FALSE(words.note(&memory[1], 1));
  EXPECT_TRUE(words.note(&memory[0], 0));
  words.clear();
  EXPECT_FALSE(words.note(&memory[0], 1));
}

TEST(SharedWords, AreAllWhereThereIsNoMoreRoom) {
  SharedWords words;
  std::vector<std::uint64_t> memory(SharedWords::kMost + 1);
  for (std::size_t i = 0; i < SharedWords::kMost; ++i) ASSERT_FALSE(words.note(&memory[i], 0)) << i;
  EXPECT_TRUE(words.note(&memory.back(), 0));
}

}  // namespace
}  // namespace trestle::stepped
