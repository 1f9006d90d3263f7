// ddmin, whatever the failure depends on: the result fails, is a part of the input in its order, and has no item to spare.
#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <vector>

#include "ops/ddmin.hpp"
#include "property.hpp"

namespace trestle::ops {
namespace {

using Items = std::vector<int>;

Items up_to(int count) {
  Items items(static_cast<std::size_t>(count));
  std::iota(items.begin(), items.end(), 0);
  return items;
}

bool is_part_of(const Items& part, const Items& whole) {
  auto at = whole.begin();
  for (const int item : part) {
    at = std::find(at, whole.end(), item);
    if (at == whole.end()) return false;
    ++at;
  }
  return true;
}

template <class Fails>
void hold_minimal(const Items& items, Fails fails) {
  RC_PRE(fails(items));
  const Items smallest = ddmin(items, fails);
  RC_ASSERT(fails(smallest));
  RC_ASSERT(is_part_of(smallest, items));
  for (std::size_t i = 0; i < smallest.size(); ++i) RC_ASSERT(!fails(without(smallest, i, i + 1)));
}

TEST(DdminProperty, ASetOfCulpritsIsWhatIsLeft) {
  EXPECT_TRUE(holds(
      "ddmin leaves exactly the items that are needed together",
      [] {
        const Items items = up_to(*rc::gen::inRange(1, 120));
        const auto needed = *rc::gen::container<std::set<int>>(rc::gen::elementOf(items));
        const auto fails = [&](const Items& part) {
          return std::all_of(needed.begin(), needed.end(),
                             [&](int item) { return std::find(part.begin(), part.end(), item) != part.end(); });
        };
        RC_ASSERT(ddmin(items, fails) == Items(needed.begin(), needed.end()));
        hold_minimal(items, fails);
      },
      5));
}

// Failures that come and go as items are left out: of a sum's residue, and of neighbours.
TEST(DdminProperty, OneMinimalAlsoWhereAPartOfAFailureNeedNotFail) {
  EXPECT_TRUE(holds(
      "ddmin's result is 1-minimal under failures that are not monotone",
      [] {
        const Items items = *rc::gen::container<Items>(rc::gen::inRange(0, 30));
        const int modulus = *rc::gen::inRange(2, 9);
        const int wanted = std::accumulate(items.begin(), items.end(), 0) % modulus;
        hold_minimal(items, [=](const Items& part) {
          return part.size() > 2 && std::accumulate(part.begin(), part.end(), 0) % modulus == wanted;
        });
      },
      5));
}

TEST(DdminProperty, OneMinimalWhereTwoHaveToBeNeighbours) {
  EXPECT_TRUE(holds(
      "ddmin's result is 1-minimal where order matters",
      [] {
        const Items items = *rc::gen::container<Items>(rc::gen::inRange(0, 6));
        const int gap = *rc::gen::inRange(1, 4);
        const auto fails = [=](const Items& part) {
          for (std::size_t i = 1; i < part.size(); ++i)
            if (part[i] - part[i - 1] == gap) return true;
          return false;
        };
        RC_PRE(fails(items));
        hold_minimal(items, fails);
        RC_ASSERT(ddmin(items, fails).size() == 2U);
      },
      5));
}

// As the harnesses use it: on programs, whose stage stays.
TEST(DdminProperty, AProgramKeepsItsStage) {
  EXPECT_TRUE(holds("shrink leaves the stage alone and nothing that could go", [] {
    Program program{Stage{.policy = PolicyName::debug, .buffer_bytes = *any<std::uint32_t>()}, {}};
    const auto slots = *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::inRange<std::uint8_t>(0, kSlots));
    for (const std::uint8_t slot : slots) program.ops.emplace_back(Free{SlotId{slot}});
    const std::size_t wanted = *rc::gen::inRange<std::size_t>(0, slots.size() + 1);
    const auto fails = [=](const Program& part) { return part.ops.size() >= wanted; };
    const Program smallest = shrink(program, fails);
    RC_ASSERT(smallest.stage == program.stage);
    RC_ASSERT(smallest.ops.size() == wanted);
  }));
}

}  // namespace
}  // namespace trestle::ops
