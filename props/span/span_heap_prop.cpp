// Decay, on a clock that stands still until told otherwise: what is old goes back, what is young stays, and no page of a
// live span is ever touched.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/poison.hpp"
#include "faults.hpp"
#include "ops/test_os.hpp"
#include "property.hpp"
#include "span/span_heap.hpp"

namespace trestle {
namespace {

using ops::TestArena;
using ops::TestOs;

constexpr std::size_t kRegion = std::size_t{8} << 20;
constexpr std::uint64_t kDecay = 1000;

enum class Do { acquire, release, wait, trim };
struct Step {
  Do what;
  std::size_t amount;  // bytes, which span, milliseconds, or bytes to keep
  bool dirty;
};
void showValue(const Step& step, std::ostream& out) {
  static constexpr const char* kNames[] = {"acquire ", "release ", "wait ", "trim "};
  out << kNames[static_cast<int>(step.what)] << step.amount << (step.dirty ? " dirty" : "");
}

rc::Gen<std::vector<Step>> steps() {
  const auto make = [](Do what, std::size_t amount, bool dirty) {
    if (what == Do::acquire) return Step{what, 1 + amount % (6 * kGranule), true};
    if (what == Do::release) return Step{what, amount % 64, dirty};
    if (what == Do::wait) return Step{what, amount % (kDecay + kDecay / 2), false};
    return Step{what, amount % kRegion, false};
  };
  const auto what = rc::gen::weightedElement<Do>({{5, Do::acquire}, {4, Do::release}, {4, Do::wait}, {1, Do::trim}});
  return rc::gen::container<std::vector<Step>>(rc::gen::apply(make, what, rc::gen::noShrink(any<std::size_t>()),
                                                              rc::gen::weightedElement<bool>({{4, true}, {1, false}})));
}

class Decaying {
 public:
  explicit Decaying(std::size_t budget) : budget_(budget) {
    arena().reset();
    RC_ASSERT(spans_.start(key_from(3), {.region_bytes = kRegion, .decay_ms = kDecay, .dirty_bytes = budget}));
  }
  ~Decaying() { spans_.stop(); }
  Decaying(const Decaying&) = delete;
  Decaying& operator=(const Decaying&) = delete;

  void perform(const Step& step) {
    if (step.what == Do::acquire) acquire(step.amount);
    if (step.what == Do::release && !held_.empty()) release(step.amount % held_.size(), step.dirty);
    if (step.what == Do::wait) wait(step.amount);
    if (step.what == Do::trim) trim(step.amount);
    hold_contents();
    FaultSink sink;
    spans_.check(sink);
    RC_ASSERT(sink.count() == 0U);
    if (const char* const breach = arena().breach()) RC_FAIL(std::string(breach));
  }

 private:
  struct Held {
    SpanRef<TestOs> ref;
    std::uint8_t mark;
  };

  static TestArena& arena() {
    static TestArena arena;
    return arena;
  }
  void acquire(std::size_t bytes) {
    const SpanRef<TestOs> ref = spans_.acquire(bytes, SpanState::large);
    if (ref.is_empty()) return;
    if (ref.zeroed) RC_ASSERT((first_other(ref.start(), ref.bytes(), 0) == nullptr));
    held_.push_back({ref, static_cast<std::uint8_t>(++marks_ | 1)});
    fill(ref.start(), ref.bytes(), held_.back().mark);
  }
  // One that is said to be clean has to be so.
  void release(std::size_t index, bool dirty) {
    const SpanRef<TestOs> ref = held_[index].ref;
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
    if (!dirty) RC_ASSERT(spans_.os().purge(ref.start(), ref.bytes()));
    spans_.release(ref, dirty);
    RC_ASSERT(old_spans() == 0U);
    hold_budget();
  }
  void wait(std::size_t milliseconds) {
    arena().advance(milliseconds);
    const std::size_t old = old_spans();
    const std::uint64_t before = spans_.purges();
    spans_.purge_old(arena().now_ms());
    RC_ASSERT(old_spans() == 0U);
    RC_ASSERT(spans_.purges() - before == old);  // and none before its time
  }
  void trim(std::size_t keep) {
    const std::size_t before = spans_.counts().dirty_bytes;
    RC_ASSERT(spans_.trim(keep) == (before > keep));
    RC_ASSERT(spans_.counts().dirty_bytes <= std::min(before, keep));
  }
  void hold_contents() const {
    for (const Held& one : held_) RC_ASSERT((first_other(one.ref.start(), one.ref.bytes(), one.mark) == nullptr));
  }
  void hold_budget() const { RC_ASSERT(spans_.counts().dirty_bytes <= budget_); }
  // Spans that have been free and dirty for the decay time.
  [[nodiscard]] std::size_t old_spans() const {
    std::size_t count = 0;
    spans_.for_each_region([&](const Region<TestOs>& region) {
      for (const SpanDescriptor* span = region.next(nullptr); span != nullptr; span = region.next(span))
        count += span->state == SpanState::free && span->dirty && arena().now_ms() - span->changed_ms >= kDecay;
      return true;
    });
    return count;
  }

  SpanHeap<TestOs> spans_{TestOs{arena()}};
  std::vector<Held> held_;
  std::size_t budget_;
  unsigned marks_ = 0;
};

void expect_decay(const char* claim, std::size_t budget) {
  EXPECT_TRUE(holds(claim, [=] {
    const std::vector<Step> all = *steps();
    Decaying spans(budget);
    for (const Step& step : all) spans.perform(step);
  }));
}

TEST(SpanHeapProperty, WhatIsOldGoesBackAndNoLivePageDoes) {
  expect_decay("free pages decay at their age, live ones never", kRegion * 4);
}
TEST(SpanHeapProperty, ABudgetIsKeptAndNoLivePageGoes) {
  expect_decay("free pages beyond the budget go back at once, live ones never", kRegion / 8);
}

}  // namespace
}  // namespace trestle
