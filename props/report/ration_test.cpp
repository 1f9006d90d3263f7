// ReportRation: one report a site, so many a minute, and a count of the rest.
#include "report/ration.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace trestle {
namespace {

using Answer = ReportRation::Answer;
constexpr std::uint64_t kSecond = 1'000'000'000;

TEST(ReportRation, PrintsEachSiteOnce) {
  const auto ration = std::make_unique<ReportRation>();
  EXPECT_EQ(ration->ask(5, 0), Answer::print);
  EXPECT_EQ(ration->ask(6, 0), Answer::print);
  EXPECT_EQ(ration->ask(5, 90 * kSecond), Answer::repeated);
  EXPECT_EQ(ration->ask(6, 90 * kSecond), Answer::repeated);
  EXPECT_EQ(ration->repeated(), 2U);
  EXPECT_EQ(ration->too_many(), 0U);
}

// Who asks whether a site is known does not make it so.
TEST(ReportRation, IsAskedWhatItKnows) {
  const auto ration = std::make_unique<ReportRation>();
  EXPECT_FALSE(ration->knows(5));
  EXPECT_EQ(ration->repeated(), 0U);
  EXPECT_EQ(ration->ask(5, 0), Answer::print);
  EXPECT_TRUE(ration->knows(5));
  EXPECT_EQ(ration->repeated(), 1U);
}

TEST(ReportRation, DoesNotCountWhatWasPrintedAllTheSame) {
  const auto ration = std::make_unique<ReportRation>();
  ration->set_most_a_minute(1);
  EXPECT_EQ(ration->ask(5, 0), Answer::print);
  for (const std::uint64_t site : {std::uint64_t{5}, std::uint64_t{6}}) {
    (void)ration->ask(site, 0);
    ration->take_back(ration->ask(site, 0));
  }
  EXPECT_EQ(ration->repeated(), 1U);
  EXPECT_EQ(ration->too_many(), 1U);
  ration->take_back(Answer::print);
  EXPECT_EQ(ration->repeated() + ration->too_many(), 2U);
}

TEST(ReportRation, KnowsASiteThatIsZero) {
  const auto ration = std::make_unique<ReportRation>();
  EXPECT_EQ(ration->ask(0, 0), Answer::print);
  EXPECT_EQ(ration->ask(0, 0), Answer::repeated);
}

// A minute begins with its first report, wherever the clock stands.
TEST(ReportRation, PrintsSoManyAMinute) {
  const auto ration = std::make_unique<ReportRation>();
  ration->set_most_a_minute(2);
  EXPECT_EQ(ration->ask(1, 59 * kSecond), Answer::print);
  EXPECT_EQ(ration->ask(2, 60 * kSecond), Answer::print);
  EXPECT_EQ(ration->ask(3, 118 * kSecond), Answer::too_many);
  EXPECT_EQ(ration->ask(1, 118 * kSecond), Answer::repeated);
  EXPECT_EQ(ration->ask(3, 119 * kSecond), Answer::print) << "it was not told before";
  EXPECT_EQ(ration->ask(4, 119 * kSecond), Answer::print);
  EXPECT_EQ(ration->ask(5, 120 * kSecond), Answer::too_many);
  EXPECT_EQ(ration->repeated(), 1U);
  EXPECT_EQ(ration->too_many(), 2U);
}

// More sites than there is room for: no two are taken for one.
TEST(ReportRation, IsFullOneDayAndThenTellsAgain) {
  const auto ration = std::make_unique<ReportRation>();
  constexpr std::uint64_t kMany = 20'000;
  for (std::uint64_t site = 1; site <= kMany; ++site) EXPECT_EQ(ration->ask(site, 0), Answer::print) << site;
  std::uint64_t known = 0;
  for (std::uint64_t site = 1; site <= kMany; ++site) known += ration->ask(site, 0) == Answer::repeated;
  EXPECT_EQ(known, 4096U);
}

TEST(ReportRation, IsSharedByThreads) {
  const auto ration = std::make_unique<ReportRation>();
  ration->set_most_a_minute(100);
  std::atomic<int> printed{0};
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint64_t i = 0; i < 1000; ++i) printed += ration->ask(1 + thread * 1000 + i, 0) == Answer::print;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(printed, 100);
  EXPECT_EQ(ration->too_many(), 3900U);
}

}  // namespace
}  // namespace trestle
