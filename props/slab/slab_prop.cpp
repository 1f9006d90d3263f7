// Random programs over one slab of each policy, with a full check after each op and a naive model beside: a vector of what
// is live, of what is cached and of what waits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "property.hpp"
#include "slab/fixture.hpp"

namespace trestle {
namespace {

struct Live {
  std::byte* at = nullptr;
  std::size_t requested = 0;
  Kind kind = Kind::by_malloc;
  std::byte filled{};
};

template <Policy P>
class Machine {
 public:
  explicit Machine(SizeClass size_class, bool zeroed)
      : under_test_(size_class, zeroed), slot_(slot_bytes(size_class)) {}

  void step() {
    switch (*rc::gen::inRange(0, 8)) {
      case 0:
      case 1:
        return refill();
      case 2:
      case 3:
        return serve();
      case 4:
        return release();
      case 5:
        return resize();
      case 6:
        return give_back(cached_);
      default:
        return give_back(waiting_);
    }
  }

  void judge() {
    SlabTally tally;
    RC_ASSERT(under_test_.faults(tally).empty());
    std::uint64_t bytes = 0;
    for (const Live& live : live_) {
      bytes += P.canary ? live.requested : slot_;
      RC_ASSERT(std::all_of(live.at, live.at + live.requested, [&](std::byte b) { return b == live.filled; }));
      RC_ASSERT(slab().vet(live.at).requested == (P.canary ? live.requested : slot_));
    }
    RC_ASSERT(tally.used_slots == live_.size());
    RC_ASSERT(tally.used_bytes == bytes);
    RC_ASSERT(tally.cached_slots == cached_.size());
    RC_ASSERT(tally.retired_slots == waiting_.size());
    RC_ASSERT(slab().available() + live_.size() + cached_.size() + waiting_.size() == slab().slots());
  }

 private:
  Slab<P>& slab() { return under_test_.slab(); }

  void refill() {
    std::vector<void*> batch(*rc::gen::inRange<std::size_t>(1, 100));
    const std::uint32_t available = slab().available();
    const std::size_t got = slab().take(batch);
    RC_ASSERT(got == std::min<std::size_t>(batch.size(), available));
    for (std::size_t i = 0; i < got; ++i) {
      RC_ASSERT(std::find(cached_.begin(), cached_.end(), batch[i]) == cached_.end());
      RC_ASSERT((slab().release(batch[i], {}, Rest::magazine).is_fault()));  // it is nobody's block yet
      cached_.push_back(batch[i]);
    }
  }
  void serve() {
    if (cached_.empty()) return;
    Live live{.at = static_cast<std::byte*>(taken_from(cached_)),
              .requested = *rc::gen::inRange<std::size_t>(0, slot_ - Slab<P>::kLeastPad + 1),
              .kind = static_cast<Kind>(*rc::gen::inRange(1, 4)),
              .filled = std::byte{*any<std::uint8_t>()}};
    if (*rc::gen::arbitrary<bool>()) {
      RC_ASSERT(slab().try_serve(live.at, live.requested, live.kind));
    } else {
      const Allocation made = slab().serve(live.at, live.requested, live.kind);
      RC_ASSERT(!made.is_fault() && (made.payload == live.at));
    }
    std::memset(live.at, std::to_integer<int>(live.filled), live.requested);
    live_.push_back(live);
  }
  void release() {
    if (live_.empty()) return;
    const Live live = taken_from(live_);
    const Rest rest = *rc::gen::element(Rest::magazine, Rest::quarantine);
    const Release how{live.kind, P.canary ? live.requested : slot_, 0};
    if (*rc::gen::arbitrary<bool>()) {
      std::size_t told = 0;
      RC_ASSERT(slab().try_release(live.at, how, rest, told));
      RC_ASSERT(told == how.size);
      RC_ASSERT(!slab().try_release(live.at, how, rest, told));
    } else {
      RC_ASSERT(slab().release(live.at, how, rest).kind == FaultKind::none);
    }
    RC_ASSERT(slab().release(live.at, {live.kind}, rest).kind == FaultKind::double_free);
    if (rest == Rest::magazine) cached_.push_back(live.at);
    if (rest == Rest::quarantine) waiting_.push_back(live.at);
  }
  void resize() {
    if (live_.empty()) return;
    Live& live = live_[*rc::gen::inRange<std::size_t>(0, live_.size())];
    const std::size_t wanted = *rc::gen::inRange<std::size_t>(1, kMaxSlot);
    const bool same_class = slot_bytes(class_for(wanted + Slab<P>::kLeastPad)) == slot_;
    RC_ASSERT(slab().resize(live.at, wanted) == same_class);
    if (!same_class) return;
    if (wanted > live.requested)
      std::memset(live.at + live.requested, std::to_integer<int>(live.filled), wanted - live.requested);
    live.requested = wanted;
  }
  void give_back(std::vector<void*>& from) {
    if (from.empty()) return;
    slab().give(taken_from(from));
  }
  template <class T>
  T taken_from(std::vector<T>& all) {
    std::swap(all[*rc::gen::inRange<std::size_t>(0, all.size())], all.back());
    const T last = all.back();
    all.pop_back();
    return last;
  }

  SlabUnderTest<P> under_test_;
  std::size_t slot_;
  std::vector<Live> live_;
  std::vector<void*> cached_;
  std::vector<void*> waiting_;
};

template <Policy P>
void expect_sound(const char* claim) {
  EXPECT_TRUE(holds(claim, [] {
    const auto index = *rc::gen::inRange<std::uint8_t>(0, kSizeClasses);
    Machine<P> machine({index}, *rc::gen::arbitrary<bool>());
    const int steps = *rc::gen::inRange(1, 60);
    for (int i = 0; i < steps; ++i) {
      machine.step();
      machine.judge();
    }
  }));
}

TEST(SlabProperty, OfFastIsSoundAfterEveryOp) { expect_sound<kFast>("a fast slab is as its model after every op"); }
TEST(SlabProperty, OfHardenedIsSoundAfterEveryOp) {
  expect_sound<kHardened>("a hardened slab is as its model after every op");
}
TEST(SlabProperty, OfDebugIsSoundAfterEveryOp) { expect_sound<kDebug>("a debug slab is as its model after every op"); }

}  // namespace
}  // namespace trestle
