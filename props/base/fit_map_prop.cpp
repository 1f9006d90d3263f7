// Bins against a list of runs: what is put in is found, and what is found fits, whenever a large enough bin holds a run.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/fit_map.hpp"
#include "property.hpp"

namespace trestle {
namespace {

// One step: put a run of `units` in, or take one out where `units` is 0 (that of rank `pick`).
struct Step {
  std::uint64_t units;
  std::size_t pick;
};
void showValue(const Step& step, std::ostream& out) {
  if (step.units == 0)
    out << "take run " << step.pick;
  else
    out << "put " << step.units;
}

template <class Map>
rc::Gen<std::uint64_t> runs() {
  constexpr unsigned kMaxLog = Map::kFirst - 2 + log2_floor(Map::kSecond);
  const auto long_run = [](unsigned shift, std::uint64_t low) {
    return (std::uint64_t{1} << shift) | (low & ((std::uint64_t{1} << shift) - 1));
  };
  return rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(1, 200),
                        rc::gen::apply(long_run, rc::gen::inRange(0U, kMaxLog + 1), any<std::uint64_t>()));
}

template <class Map>
rc::Gen<std::vector<Step>> steps() {
  const auto units = rc::gen::weightedOneOf<std::uint64_t>({{3, runs<Map>()}, {2, rc::gen::just(std::uint64_t{0})}});
  const auto make = [](std::uint64_t put, std::size_t pick) { return Step{put, pick}; };
  return rc::gen::container<std::vector<Step>>(rc::gen::apply(make, units, rc::gen::inRange<std::size_t>(0, 1000)));
}

// The map and the runs that its owner would keep in lists.
template <class Map>
class Binned {
 public:
  void perform(const Step& step) {
    if (step.units != 0) {
      runs_.push_back(step.units);
      map_.set(Map::bin_of(step.units));
    } else if (!runs_.empty()) {
      const auto at = runs_.begin() + static_cast<std::ptrdiff_t>(step.pick % runs_.size());
      const unsigned bin = Map::bin_of(*at);
      runs_.erase(at);
      if (!holds_a_run(bin)) map_.clear(bin);
    }
  }
  // No loss: each run's bin is marked, no other is, and the map's answers are those of a look at every run.
  void hold_whole() const {
    unsigned highest = Map::kNone;
    for (unsigned bin = 0; bin < Map::kBins; ++bin) {
      RC_ASSERT(map_.is_set(bin) == holds_a_run(bin));
      if (map_.is_set(bin)) highest = bin;
    }
    RC_ASSERT(map_.highest() == highest);
    RC_ASSERT(map_.is_consistent());
  }
  // Fit: the bin found holds a run, all of its runs are long enough, and none is found only where no bin that surely fits
  // holds one.
  void hold_fit(std::uint64_t wanted) const {
    const unsigned serves = Map::bin_for(wanted);
    const unsigned found = map_.find_from(serves);
    const bool any =
        std::any_of(runs_.begin(), runs_.end(), [&](std::uint64_t run) { return Map::bin_of(run) >= serves; });
    RC_ASSERT((found != Map::kNone) == any);
    for (const std::uint64_t run : runs_) {
      RC_ASSERT((Map::bin_of(run) != found || run >= wanted));
      RC_ASSERT((Map::bin_of(run) < serves || Map::bin_of(run) >= found));
      // Nothing is passed over that is longer by more than a bin's width, an eighth at most of what is long.
      RC_ASSERT((found != Map::kNone || run < wanted + wanted / (Map::kSecond / 2) + 1));
    }
  }

 private:
  [[nodiscard]] bool holds_a_run(unsigned bin) const {
    return std::any_of(runs_.begin(), runs_.end(), [&](std::uint64_t run) { return Map::bin_of(run) == bin; });
  }

  Map map_;
  std::vector<std::uint64_t> runs_;
};

template <class Map>
void expect_fit_and_no_loss(const char* claim) {
  EXPECT_TRUE(holds(
      claim,
      [] {
        const std::vector<Step> all = *steps<Map>();
        const auto wanted = *rc::gen::container<std::vector<std::uint64_t>>(8, runs<Map>());
        Binned<Map> binned;
        for (const Step& step : all) {
          binned.perform(step);
          binned.hold_whole();
          for (const std::uint64_t units : wanted) binned.hold_fit(units);
        }
      },
      5));
}

TEST(FitMapProperty, FitAndNoLossInTheBinsOfBlocks) {
  expect_fit_and_no_loss<FitMap<36, 4>>("bins of blocks fit and lose nothing");
}
TEST(FitMapProperty, FitAndNoLossInTheBinsOfSpans) {
  expect_fit_and_no_loss<FitMap<26, 3>>("bins of spans fit and lose nothing");
}
TEST(FitMapProperty, FitAndNoLossInFewBins) { expect_fit_and_no_loss<FitMap<10, 2>>("few bins fit and lose nothing"); }

}  // namespace
}  // namespace trestle
