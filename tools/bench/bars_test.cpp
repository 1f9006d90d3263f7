#include "bench/bars.hpp"

#include <gtest/gtest.h>

#include "bench/sample_campaign.hpp"

namespace trestle::tool {
namespace {

Bar bar_named(const Campaign& campaign, const std::string& what) {
  for (const Bar& bar : bars_of(campaign, Medians(campaign))) {
    if (bar.what == what) return bar;
  }
  ADD_FAILURE() << "no bar: " << what;
  return {};
}

TEST(Bars, AreHeldAgainstTheMeans) {
  const Bar bar = bar_named(sample_campaign(), "fast / mimalloc, time");
  ASSERT_TRUE(bar.value);
  EXPECT_DOUBLE_EQ(*bar.value, 2);
  EXPECT_FALSE(bar.is_reached());
  EXPECT_EQ(bar.note, "geometric mean of 2 workloads");
}

TEST(Bars, OfWhatWasNotMeasuredAreNotReached) {
  const Bar bar = bar_named(sample_campaign(), "hardened / scudo, peak RSS");
  EXPECT_FALSE(bar.value);
  EXPECT_FALSE(bar.is_reached());
}

TEST(Bars, AreReachedAtTheirLimit) {
  EXPECT_TRUE((Bar{"", 1.0, false, 1.0, ""}.is_reached()));
  EXPECT_FALSE((Bar{"", 1.0, false, 1.01, ""}.is_reached()));
  EXPECT_TRUE((Bar{"", 1.0, true, 1.0, ""}.is_reached()));
  EXPECT_FALSE((Bar{"", 1.0, true, 0.99, ""}.is_reached()));
}

TEST(Scaling, CountsTheThroughputOfEachThread) {
  Campaign campaign = sample_campaign();
  add_figure(campaign, "server-1", "fast", 100);
  add_figure(campaign, "server", "fast", 50);
  EXPECT_DOUBLE_EQ(*throughput_kept(Medians(campaign), "server-1", "server", 2, "fast"), 1);
  add_figure(campaign, "server-64", "fast", 200);
  EXPECT_DOUBLE_EQ(*throughput_kept(Medians(campaign), "server-1", "server-64", 2, "fast"), 0.25);
  EXPECT_FALSE(throughput_kept(Medians(campaign), "server-1", "server", 2, "mimalloc"));
  EXPECT_TRUE(bar_named(campaign, "fast, throughput a thread kept from 1 to 2 threads, server").is_reached());
}

TEST(Scaling, IsHeldAgainstTheBestPeer) {
  Campaign campaign = sample_campaign();
  for (const char* const name : {"mimalloc", "fast", "<odd>"}) add_figure(campaign, "server-1", name, 100);
  add_figure(campaign, "server-64", "mimalloc", 100);
  add_figure(campaign, "server-64", "<odd>", 50);
  add_figure(campaign, "server-64", "fast", 100);
  const Bar bar = bar_named(campaign, "fast, throughput kept with 64 threads beside the best peer's, server");
  EXPECT_DOUBLE_EQ(*bar.value, 0.5);
  EXPECT_EQ(bar.note, "<odd> keeps 1.00, fast 0.50");
}

TEST(Scaling, OfHandoversIsFromTwoThreads) {
  Campaign campaign = sample_campaign();
  campaign.machine.cores = 8;
  for (const char* const name : {"mimalloc", "fast"}) add_figure(campaign, "handover-2", name, 100);
  add_figure(campaign, "handover-64", "mimalloc", 50);
  add_figure(campaign, "handover-64", "fast", 40);
  const Bar bar = bar_named(campaign, "fast, throughput kept with 64 threads beside the best peer's, handover");
  ASSERT_TRUE(bar.value);
  EXPECT_DOUBLE_EQ(*bar.value, 1.25);
  EXPECT_EQ(bar.note, "mimalloc keeps 0.50, fast 0.62");
  EXPECT_TRUE(bar.is_reached());
}

TEST(FalseSharing, IsHeldAgainstTheFastestPeer) {
  Campaign campaign = sample_campaign();
  campaign.allocators.push_back({"debug", "/d.so", ""});
  for (const auto& [name, time] : {std::tuple("mimalloc", 3), {"<odd>", 2}, {"fast", 3}, {"debug", 1}}) {
    add_figure(campaign, "false-sharing", name, time);
  }
  const Bar bar = bar_named(campaign, "fast, time of false-sharing over the fastest peer's");
  ASSERT_TRUE(bar.value);
  EXPECT_DOUBLE_EQ(*bar.value, 1.5);
  EXPECT_FALSE(bar.is_reached());
  EXPECT_EQ(bar.note, "<odd> takes 2.00 ns, fast 3.00");
  EXPECT_FALSE(bar_named(campaign, "hardened, time of false-sharing over the fastest peer's").value);
}

TEST(Slope, IsFromAThousandToTenMillion) {
  Campaign campaign = sample_campaign();
  for (const auto& [name, few, many] : {std::tuple("fast", 10, 30), {"mimalloc", 10, 60}}) {
    add_figure(campaign, "growth-1e3", name, few);
    add_figure(campaign, "growth-1e7", name, many);
  }
  EXPECT_DOUBLE_EQ(*slope(Medians(campaign), "fast"), 3);
  EXPECT_DOUBLE_EQ(*bar_named(campaign, "fast / mimalloc, slope from 1e3 to 1e7 live objects").value, 0.5);
}

}  // namespace
}  // namespace trestle::tool
