// A thread that often finds another in its way moves on to the next arena; one that does not stays where it is. What it gives back
// waits for whoever is at the depot.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "heap/heap.hpp"
#include "ops/test_os.hpp"
#include "policies.hpp"
#include "stepper.hpp"

namespace trestle::stepped {
namespace {

constexpr std::size_t kEnough = 32;  // of 64 batches

// The first thread asks for slots. The second holds the lock of the first one's depot whenever that begins a call, and lets go
// when it waits: so many times.
template <Policy P>
class Contended {
 public:
  using HeapType = Heap<P, ops::TestOs>;
  static constexpr std::size_t kSize = 4000;  // few to a batch
  static constexpr std::size_t kMost = 3000;

  explicit Contended(std::size_t most_waits) : most_waits_(most_waits) {
    EXPECT_TRUE(heap_.start({.secret = 0x5EED, .region_bytes = std::size_t{64} << 20}));
    for (const std::size_t thread : {std::size_t{1}, std::size_t{0}}) {  // each arena has depots
      arena_.run_on(thread);
      slots_.push_back(heap_.allocate(kSize, kMinAlignment, Kind::by_malloc).payload);
    }
    home_ = home_of(slots_.back());
    EXPECT_NE(home_of(slots_.front()), home_);
  }
  ~Contended() { heap_.stop(); }
  Contended(const Contended&) = delete;
  Contended& operator=(const Contended&) = delete;

  // How many slots the thread had from its first arena, all of them or until it moved.
  std::size_t run() {
    const Ended ended =
        stepped::run({.threads = 2,
                      .most_steps = 10'000'000,
                      .body = [](void* self, std::size_t t) { static_cast<Contended*>(self)->live(t); },
                      .turned = [](void* self, std::size_t t) { static_cast<Contended*>(self)->turn_to(t); },
                      .context = this});
    EXPECT_EQ(ended.how, Ending::done);
    return stayed_;
  }
  // Whether the first thread, which frees all and ends, has given back what it had while the second was at the depot.
  bool gives_back_past_the_other() {
    has_ended_ = false;
    const Ended ended =
        stepped::run({.threads = 2,
                      .most_steps = 10'000'000,
                      .body = [](void* self, std::size_t t) { static_cast<Contended*>(self)->give_back(t); },
                      .turned = [](void* self, std::size_t t) { static_cast<Contended*>(self)->turn_to(t); },
                      .context = this});
    EXPECT_EQ(ended.how, Ending::done);
    return has_passed_;
  }
  [[nodiscard]] std::size_t waits() const { return waits_; }
  [[nodiscard]] bool has_moved() const { return home_of(slots_.back()) != home_; }
  void free_all() {
    arena_.run_on(0);
    for (void* const slot : slots_) EXPECT_FALSE(heap_.deallocate(slot, {.kind = Kind::by_malloc}).is_fault());
    Fault first;
    FaultSink sink(&first, 1);
    heap_.check(CheckLevel::full, sink);
    EXPECT_EQ(sink.count(), 0U);
  }

 private:
  [[nodiscard]] auto* home_of(void* slot) const { return heap_.slots_.record_of(slot)->home; }
  void turn_to(std::size_t thread) { arena_.go_on_with(thread); }
  void live(std::size_t thread) {
    if (thread == 0)
      ask();
    else
      be_in_the_way();
  }
  void ask() {
    while (slots_.size() < kMost && !has_moved()) {
      is_in_call_ = true;
      slots_.push_back(heap_.allocate(kSize, kMinAlignment, Kind::by_malloc).payload);
      is_in_call_ = false;
      ++stayed_;
      pass_on();
    }
    has_ended_ = true;
  }
  void be_in_the_way() {
    while (!has_ended_ && waits_ != most_waits_) {
      home_->lock().lock();
      pass_on();
      home_->lock().unlock();
      if (!is_in_call_) continue;
      ++waits_;
      pass_on();  // it goes on now
    }
  }

  void give_back(std::size_t thread) {
    if (thread == 0) {
      pass_on();
      for (void* const slot : slots_) EXPECT_FALSE(heap_.deallocate(slot, {.kind = Kind::by_malloc}).is_fault());
      heap_.leave_thread();
      has_ended_ = true;
    } else {
      home_->lock().lock();
      pass_on();
      has_passed_ = has_ended_;
      home_->lock().unlock();
    }
  }

  std::size_t most_waits_;
  ops::TestArena arena_;
  HeapType heap_{ops::TestOs{arena_}};
  std::vector<void*> slots_;
  decltype(std::declval<HeapType&>().slots_.record_of(nullptr)->home) home_ = nullptr;
  std::size_t stayed_ = 0;
  std::size_t waits_ = 0;
  bool is_in_call_ = false;
  bool has_ended_ = false;
  bool has_passed_ = false;
};

template <class T>
class ContendedHeap : public testing::Test {};
TYPED_TEST_SUITE(ContendedHeap, EveryPolicy, PolicyNames);

TYPED_TEST(ContendedHeap, IsLeftForTheNextArenaByWhoFindsOthersInItsWay) {
  const auto contended = std::make_unique<Contended<TypeParam::kPolicy>>(SIZE_MAX);
  contended->run();
  EXPECT_TRUE(contended->has_moved());
  EXPECT_GE(contended->waits(), kEnough);
  contended->free_all();
}

TYPED_TEST(ContendedHeap, IsNotLeftByWhoFindsNobodyOrRarely) {
  for (const std::size_t waits : {std::size_t{0}, kEnough - 1}) {
    const auto rarely = std::make_unique<Contended<TypeParam::kPolicy>>(waits);
    EXPECT_EQ(rarely->run(), Contended<TypeParam::kPolicy>::kMost - 2);
    EXPECT_EQ(rarely->waits(), waits);
    EXPECT_FALSE(rarely->has_moved());
    rarely->free_all();
  }
}

TYPED_TEST(ContendedHeap, IsGivenNothingBackWhileAnotherIsAtIt) {
  const auto contended = std::make_unique<Contended<TypeParam::kPolicy>>(0);
  EXPECT_EQ(contended->run(), Contended<TypeParam::kPolicy>::kMost - 2);
  EXPECT_FALSE(contended->gives_back_past_the_other());
}

}  // namespace
}  // namespace trestle::stepped
