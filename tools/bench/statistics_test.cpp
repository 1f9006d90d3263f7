#include "bench/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "bench/sample_campaign.hpp"

namespace trestle::tool {
namespace {

TEST(Rotation, BeginsWithAnotherEachTimeAndLosesNone) {
  const std::vector<int> list{1, 2, 3};
  EXPECT_EQ(rotated(list, 0), list);
  EXPECT_EQ(rotated(list, 1), (std::vector<int>{2, 3, 1}));
  EXPECT_EQ(rotated(list, 5), (std::vector<int>{3, 1, 2}));
  EXPECT_TRUE(rotated(std::vector<int>{}, 2).empty());
}

TEST(GeometricMean, TreatsDoubleAndHalfAlike) {
  EXPECT_DOUBLE_EQ(*geometric_mean({2, 0.5}), 1);
  EXPECT_DOUBLE_EQ(*geometric_mean({1, 10, 100}), 10);
  EXPECT_FALSE(geometric_mean({}));
  EXPECT_FALSE(geometric_mean({1, 0}));
  EXPECT_FALSE(geometric_mean({1, -1}));
}

TEST(Medians, AreOfTheMiddleRound) {
  const Medians medians(sample_campaign());
  EXPECT_DOUBLE_EQ(*medians.value(Measure::time, "alone", "mimalloc"), 2);
  EXPECT_DOUBLE_EQ(*medians.value(Measure::rss, "alone", "fast"), 500);
  EXPECT_FALSE(medians.value(Measure::time, "alone", "glibc"));
  EXPECT_FALSE(median_of({}));
}

TEST(Medians, TakeWhatThreadsTellOfThemselves) {
  const Medians medians(sample_campaign());
  EXPECT_DOUBLE_EQ(*medians.value(Measure::time, "crowd", "fast"), 80);
  EXPECT_DOUBLE_EQ(*medians.figure("ns_per_op", "latency", "fast"), 30);
  EXPECT_FALSE(medians.figure("p99", "latency", "fast"));
  EXPECT_EQ(medians.figures_of("latency"), std::vector<std::string>{"ns_per_op"});
}

TEST(Medians, AreComparedWithTheBase) {
  const Medians medians(sample_campaign());
  EXPECT_DOUBLE_EQ(*medians.ratio(Measure::time, "alone", "fast", "mimalloc"), 0.5);
  EXPECT_DOUBLE_EQ(*medians.ratio(Measure::time, "crowd", "fast", "mimalloc"), 8);
  EXPECT_FALSE(medians.ratio(Measure::time, "latency", "fast", "<odd>"));
}

TEST(Means, AreOverTheRowsOnly) {
  const Medians medians(sample_campaign());
  const std::optional<Mean> time = medians.mean(Measure::time, "fast", "mimalloc");
  ASSERT_TRUE(time);
  EXPECT_DOUBLE_EQ(time->value, 2);
  EXPECT_EQ(time->workloads, 2U);
  EXPECT_EQ(time->worst_workload, "crowd");
  EXPECT_DOUBLE_EQ(time->worst, 8);
  EXPECT_DOUBLE_EQ(medians.mean(Measure::rss, "fast", "mimalloc")->value, std::sqrt(2));
  EXPECT_FALSE(medians.mean(Measure::time, "glibc", "mimalloc"));
}

TEST(Means, LeaveOutWhatFailed) {
  const Medians medians(sample_campaign());
  EXPECT_FALSE(medians.value(Measure::time, "crowd", "<odd>"));
  EXPECT_EQ(medians.mean(Measure::time, "<odd>", "mimalloc")->workloads, 1U);
  EXPECT_DOUBLE_EQ(medians.mean(Measure::time, "<odd>", "mimalloc")->value, 3);
}

// One bad round spoils the others of that allocator: a median of what is left would hide it.
TEST(Means, LeaveOutWhatFailedOnce) {
  Campaign campaign = sample_campaign();
  campaign.runs[1].failure = "ended with status 1";
  EXPECT_FALSE(Medians(campaign).value(Measure::time, "alone", "fast"));
}

TEST(Answers, AreThoseOfTheMost) {
  Campaign campaign = sample_campaign();
  campaign.runs[1].answer = "another";
  compare_answers(campaign);
  EXPECT_EQ(campaign.runs[1].failure, "gave another result (another, most gave same)");
  const std::vector<std::string> failures = failures_of(campaign);
  ASSERT_EQ(failures.size(), 2U);
  EXPECT_EQ(failures[0], "alone on fast: gave another result (another, most gave same)");
  EXPECT_EQ(failures[1], "crowd on <odd>: ended with status 139");
}

TEST(Answers, MayDifferBetweenWorkloads) {
  Campaign campaign = sample_campaign();
  for (auto& run : campaign.runs) run.answer = run.workload;
  compare_answers(campaign);
  EXPECT_EQ(failures_of(campaign).size(), 1U);
}

}  // namespace
}  // namespace trestle::tool
