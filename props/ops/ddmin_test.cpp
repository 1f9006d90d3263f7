#include "ops/ddmin.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace trestle::ops {
namespace {

std::vector<int> up_to(int count) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}
bool has(const std::vector<int>& numbers, int wanted) {
  return std::find(numbers.begin(), numbers.end(), wanted) != numbers.end();
}

TEST(Ddmin, FindsTheOneItemThatMatters) {
  for (int culprit = 0; culprit < 33; ++culprit)
    EXPECT_EQ(ddmin(up_to(33), [&](const auto& part) { return has(part, culprit); }), std::vector<int>{culprit});
}

TEST(Ddmin, FindsItemsFarApartAndKeepsTheirOrder) {
  const auto fails = [](const std::vector<int>& part) { return has(part, 1) && has(part, 50) && has(part, 98); };
  EXPECT_EQ(ddmin(up_to(100), fails), (std::vector<int>{1, 50, 98}));
}

TEST(Ddmin, LeavesNoItemThatCouldGo) {
  // Fails with five or more even numbers: the result has exactly five, and no odd one.
  const auto evens = [](const std::vector<int>& part) {
    return std::count_if(part.begin(), part.end(), [](int n) { return n % 2 == 0; });
  };
  const auto fails = [&](const std::vector<int>& part) { return evens(part) >= 5; };
  const std::vector<int> smallest = ddmin(up_to(64), fails);
  EXPECT_EQ(smallest.size(), 5U);
  EXPECT_EQ(evens(smallest), 5);
}

TEST(Ddmin, KeepsAllWhereAllMatter) {
  const auto fails = [](const std::vector<int>& part) { return part.size() == 7; };
  EXPECT_EQ(ddmin(up_to(7), fails), up_to(7));
}

TEST(Ddmin, EndsWithNothingWhereNothingIsNeeded) {
  EXPECT_TRUE(ddmin(up_to(20), [](const auto&) { return true; }).empty());
  EXPECT_TRUE(ddmin(std::vector<int>{}, [](const auto&) { return true; }).empty());
}

TEST(Ddmin, AsksFewQuestionsForOneCulprit) {
  std::size_t questions = 0;
  const auto fails = [&](const std::vector<int>& part) {
    ++questions;
    return has(part, 777);
  };
  EXPECT_EQ(ddmin(up_to(1024), fails), std::vector<int>{777});
  EXPECT_LE(questions, 64U);
}

TEST(Shrink, KeepsTheStage) {
  const Program program{Stage{.policy = PolicyName::debug, .buffer_bytes = 77}, {Check{}, Free{SlotId{1}}, Check{}}};
  const auto frees = [](const Program& part) {
    return std::any_of(part.ops.begin(), part.ops.end(), [](const Op& op) { return std::holds_alternative<Free>(op); });
  };
  EXPECT_EQ(shrink(program, frees), (Program{program.stage, {Free{SlotId{1}}}}));
}

}  // namespace
}  // namespace trestle::ops
