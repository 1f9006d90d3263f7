// What befalls a thread from outside in the midst of a call, at each of its accesses in turn: another forks, it is ended, a signal's
// handler calls the heap again. Meanwhile a third stands in the middle of something else.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "at_rest.hpp"
#include "ops/instrument.hpp"
#include "ops/program.hpp"
#include "policies.hpp"
#include "scene.hpp"

namespace trestle::stepped {
namespace {

constexpr std::size_t kBystander = 0;
constexpr std::size_t kSubject = 1;
constexpr std::size_t kOther = 2;
constexpr std::size_t kOtherPlaces = 12;    // of the table
constexpr std::size_t kHandlerPlaces = 16;  // of the table
constexpr std::uint64_t kMostSteps = 200'000;
// Where the bystander stands: nowhere; in the middle of what it does with slots, blocks, spans; about to keep all others out of
// their caches, or doing so.
struct Stand {
  std::span<const Deed> deeds;
  std::uint64_t access;
};
constexpr Deed kFewDeeds[] = {{Deed::take, 20, 64},
                              {Deed::take, 21, 60'000},
                              {Deed::give, 20, 0},
                              {Deed::take, 22, 300'000},
                              {Deed::give, 21, 0}};
constexpr Deed kTrim[] = {{Deed::trim, 0, 0}};
constexpr Deed kFork[] = {{Deed::fork, 0, 0}};
constexpr Stand kStands[] = {{{}, 0}, {kFewDeeds, 9}, {kFewDeeds, 40}, {kTrim, 60}, {kFork, 3}};

// One run: the subject is interrupted at one of its accesses, if it has as many.
template <Policy P>
class Interrupted {
 public:
  Interrupted(const Script& script, std::uint64_t access, const Stand& bystander)
      : script_(script), access_(access), bystander_(bystander) {
    told_ = stuck_ = false;
    Mutex::on_reentry([]() noexcept {
      told_ = true;
      end_run();
    });
  }
  virtual ~Interrupted() = default;
  Interrupted(const Interrupted&) = delete;
  Interrupted& operator=(const Interrupted&) = delete;

  // False: the subject came to its end before.
  bool run() {
    const pid_t process = getpid();
    const Ended ended =
        stepped::run({.threads = 3,
                      .most_steps = kMostSteps,
                      .body = [](void* self, std::size_t t) { static_cast<Interrupted*>(self)->live(t); },
                      .turned = [](void* self, std::size_t t) { static_cast<Interrupted*>(self)->turn_to(t); },
                      .context = this});
    if (getpid() != process) _exit(kStood);  // in the child of a fork
    const std::string where = std::string(script_.name) + ", access " + std::to_string(access_) +
                              ", the bystander at " + std::to_string(bystander_.access) + " of " +
                              std::to_string(bystander_.deeds.size()) + " deeds";
    if (told_) {
      EXPECT_TRUE(may_stand()) << where << ": it said that it could not go on";
      return true;
    }
    stuck_ = ended.how == Ending::deadlock && may_wait_for_ever() && bystander_.access != 0;
    if (stuck_) return true;
    EXPECT_EQ(ended.how, Ending::done) << where << ": " << (ended.how == Ending::deadlock ? "deadlock" : "no end");
    if (ended.how == Ending::done) {
      scene_.arena().run_on(kOther);
      scene_.must_hold_all_left();
      scene_.must_be_sound();
    }
    EXPECT_STREQ(scene_.wrong(), nullptr) << where;
    return was_interrupted_;
  }
  [[nodiscard]] static bool was_told() { return told_; }
  [[nodiscard]] static bool is_stuck() { return stuck_; }

 protected:
  static constexpr int kStood = 9;      // nobody went on
  static constexpr int kNotAtRest = 8;  // somebody holds a lock, or is in a cache

  // In the subject's place.
  virtual void interrupt() = 0;
  // Whether the process may say that it cannot go on.
  [[nodiscard]] virtual bool may_stand() const { return false; }
  // Whether the subject and the bystander may wait for one another.
  [[nodiscard]] virtual bool may_wait_for_ever() const { return false; }
  // The other thread, once the subject was interrupted or has ended.
  virtual void go_on() { scene_.use_all(kOtherPlaces); }
  [[nodiscard]] Scene<P>& scene() { return scene_; }
  static void tell() noexcept {
    told_ = true;
    end_run();
  }

 private:
  void turn_to(std::size_t thread) { scene_.arena().go_on_with(thread); }
  void live(std::size_t thread) {
    if (thread == kBystander) {
      interrupt_at(bystander_.access, [](void*) { pass_on(); }, nullptr);
      scene_.perform(bystander_.deeds);
      interrupt_at(0, nullptr, nullptr);
    } else if (thread == kSubject) {
      const auto handle = [](void* self) {
        auto& run = *static_cast<Interrupted*>(self);
        run.was_interrupted_ = true;
        run.interrupt();
      };
      interrupt_at(access_, handle, this);
      scene_.perform(script_.deeds);
      interrupt_at(0, nullptr, nullptr);
    } else if (was_interrupted_) {
      go_on();
    }
  }

  static inline bool told_ = false;
  static inline bool stuck_ = false;

  const Script& script_;
  std::uint64_t access_;
  const Stand& bystander_;
  bool was_interrupted_ = false;
  Scene<P> scene_;
};

// Each access of each script; how many runs ended, how many said that they could not go on, and how many did neither.
struct Outcome {
  std::size_t ended = 0;
  std::size_t told = 0;
  std::size_t stuck = 0;
};
// `stride`: one in so many accesses, others each time.
template <class Run>
Outcome at_each_access(std::size_t stride) {
  const bool every = std::getenv("TRESTLE_EVERY_ACCESS") != nullptr;
  Outcome all;
  std::uint64_t first = 0;
  for (const Script& script : kScripts) {
    const std::size_t step = every ? 1 : stride * script.times;
    for (const Stand& bystander : kStands) {
      for (std::uint64_t access = first++ % step;; access += step) {
        const auto run = std::make_unique<Run>(script, access, bystander);
        if (!run->run()) break;
        ++(run->was_told() ? all.told : run->is_stuck() ? all.stuck : all.ended);
        if (testing::Test::HasFailure()) return all;
      }
    }
  }
  return all;
}

template <class T>
class HeapFromOutside : public testing::Test {};
using Policies =
    testing::Types<Under<ops::with_short_quarantines(kHardened)>, Under<ops::with_short_quarantines(kDebug)>>;
TYPED_TEST_SUITE(HeapFromOutside, Policies, PolicyNames);

// ---- fork ----

template <Policy P>
class Forked : public Interrupted<P> {
 public:
  using Interrupted<P>::Interrupted;

 protected:
  void interrupt() override { pass_on(); }
  void go_on() override {
    auto& heap = this->scene().heap();
    heap.lock_all();
    const pid_t child = fork();
    if (child == 0) live_on();
    heap.unlock_all();
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "of the child";
    this->scene().use_all(kOtherPlaces);
  }

 private:
  // In the child: the one that forked, and then a new thread.
  [[noreturn]] void live_on() {
    auto& scene = this->scene();
    lose(kBystander);
    lose(kSubject);
    scene.arena().lose_other_threads();
    scene.heap().reset_locks();
    if (!is_at_rest(scene.heap())) _exit(Interrupted<P>::kNotAtRest);
    scene.use_all(kOtherPlaces);
    scene.must_hold_all_left();
    scene.must_be_sound();
    scene.arena().run_on(kSubject);
    scene.use_all(kHandlerPlaces);
    scene.must_be_sound();
    _exit(scene.wrong() == nullptr ? 0 : 1);
  }
};

#if defined(TRESTLE_UNDER_ASAN)
constexpr std::size_t kForkStride = 53;  // it copies the sanitizer's memory as well
#else
constexpr std::size_t kForkStride = 7;
#endif

TYPED_TEST(HeapFromOutside, IsForkedAtAnyAccess) {
  const Outcome outcome = at_each_access<Forked<TypeParam::kPolicy>>(kForkStride);
  EXPECT_GT(outcome.ended, 10U);
  EXPECT_EQ(outcome.told, 0U);
}

// ---- threads that end ----

// As by an asynchronous cancellation: what the thread leaves runs, and nothing else of it.
template <Policy P>
class Killed : public Interrupted<P> {
 public:
  using Interrupted<P>::Interrupted;

 protected:
  [[nodiscard]] bool may_stand() const override { return was_inside_; }
  void interrupt() override {
    was_inside_ = this->scene().heap().is_entered_by_caller();
    if (was_inside_) this->tell();
    this->scene().heap().leave_thread();
    lose_self();
  }
  void go_on() override {
    auto& scene = this->scene();
    scene.use_all(kOtherPlaces);
    (void)scene.heap().trim(0);
    scene.heap().lock_all();
    scene.heap().unlock_all();
    scene.must_be_sound();
  }

 private:
  bool was_inside_ = false;
};

TYPED_TEST(HeapFromOutside, LosesThreadsAtAnyAccess) {
  const Outcome outcome = at_each_access<Killed<TypeParam::kPolicy>>(5);
  EXPECT_GT(outcome.ended, 20U);
  EXPECT_GT(outcome.told, 100U);
}

// ---- signals ----

template <Policy P>
class Signalled : public Interrupted<P> {
 public:
  Signalled(const Script& script, std::uint64_t access, const Stand& bystander)
      : Interrupted<P>(script, access, bystander) {
    this->scene().set_checks_interrupted(false);
  }

 protected:
  // Who is asked from inside of the heap, by the thread that holds its lock, says so. Where another thread holds the lock that
  // is wanted, and wants the one that is held, both wait, as in any malloc.
  [[nodiscard]] bool may_stand() const override { return was_inside_; }
  [[nodiscard]] bool may_wait_for_ever() const override { return was_inside_; }
  void interrupt() override {
    auto& scene = this->scene();
    was_inside_ = scene.heap().is_entered_by_caller();
    scene.use_all(kHandlerPlaces);
    if (was_inside_) return;
    (void)scene.heap().trim(0);
    scene.must_be_sound();
  }

 private:
  bool was_inside_ = false;
};

TYPED_TEST(HeapFromOutside, IsCalledByHandlersAtAnyAccess) {
  const Outcome outcome = at_each_access<Signalled<TypeParam::kPolicy>>(3);
  EXPECT_GT(outcome.ended, 20U);
  EXPECT_GT(outcome.told, 100U);
  EXPECT_LT(outcome.stuck, outcome.told);
  testing::Test::RecordProperty("stuck", std::to_string(outcome.stuck));
}

}  // namespace
}  // namespace trestle::stepped
