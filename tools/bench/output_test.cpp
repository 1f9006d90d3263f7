// What a campaign is written as: JSON that is read again, the page, and the tables.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "bench/html.hpp"
#include "bench/json.hpp"
#include "bench/sample_campaign.hpp"
#include "bench/svg.hpp"
#include "bench/tables.hpp"
#include "failure.hpp"

namespace trestle::tool {
namespace {

TEST(Json, ComesBackAsItWas) {
  const Campaign campaign = sample_campaign();
  const std::string text = to_json(campaign, Medians(campaign));
  std::istringstream stream(text);
  const Campaign again = campaign_from_json(stream);
  EXPECT_EQ(to_json(again, Medians(again)), text);
  EXPECT_EQ(again.runs.size(), campaign.runs.size());
  EXPECT_EQ(again.runs.front().resident.size(), 2U);
}

TEST(Json, HoldsAllRunsAndWhatWasMadeOfThem) {
  const Campaign campaign = sample_campaign();
  const auto json = nlohmann::json::parse(to_json(campaign, Medians(campaign)));
  EXPECT_EQ(json["runs"].size(), campaign.runs.size());
  EXPECT_EQ(json["medians"]["alone"]["fast"]["time"], 1.0);
  EXPECT_DOUBLE_EQ(json["means"]["fast"]["time"]["ratio"].get<double>(), 2);
  EXPECT_EQ(json["machine"]["cores"], 2);
  EXPECT_EQ(json["allocators"][0]["version"], "2");
  EXPECT_EQ(json["left_out"][0]["name"], "scudo");
  EXPECT_EQ(json["bars"][0]["reached"], false);
}

TEST(Json, OfSomethingElseIsRefused) {
  for (const char* const text : {"", "{", "{}", "[]", R"({"format": 2})", R"({"format": 1, "started": 5})"}) {
    std::istringstream stream(text);
    EXPECT_THROW(static_cast<void>(campaign_from_json(stream)), Failure) << text;
  }
}

TEST(Page, IsOfItself) {
  const Campaign campaign = sample_campaign();
  const std::string page = to_html(campaign, Medians(campaign));
  for (const char* const other : {"<script", "<link", "<img", "url(", "@import", "src="}) {
    EXPECT_EQ(page.find(other), std::string::npos) << other;
  }
  EXPECT_NE(page.find("a &lt;fast&gt; processor &amp; more"), std::string::npos);
  EXPECT_EQ(page.find("<odd>"), std::string::npos);
  EXPECT_NE(page.find("not installed"), std::string::npos);
  EXPECT_NE(page.find("prefers-color-scheme:dark"), std::string::npos);
}

TEST(Tables, HaveARowForEachWorkloadAndTheMeans) {
  const Campaign campaign = sample_campaign();
  std::ostringstream out;
  print_tables(out, campaign, Medians(campaign));
  const std::string text = out.str();
  for (const char* const line :
       {"\nalone                   2000 ms      1.00      0.50      3.00\n",
        "\ncrowd                   10.0 ns      1.00      8.00         -\n",
        "\ngeometric mean                      1.000     2.000     3.000\n", "\nleft out: scudo: not installed\n",
        "\nFAILED: crowd on <odd>: ended with status 139\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "is not in:\n" << text;
  }
}

TEST(Tables, KeepTheLongestBarsNameApart) {
  Campaign campaign = sample_campaign();
  for (const char* const threads : {"threads-medium-1", "threads-medium-64"}) {
    for (const char* const name : {"mimalloc", "hardened"}) add_figure(campaign, threads, name, 100);
  }
  std::ostringstream out;
  print_tables(out, campaign, Medians(campaign));
  EXPECT_NE(out.str().find("beside the best peer's, threads-medium >="), std::string::npos) << out.str();
}

TEST(Numbers, AreAsShortAsTheyCanBe) {
  EXPECT_EQ(plain(1.5), "1.5");
  EXPECT_EQ(plain(2), "2");
  EXPECT_EQ(plain(100, 0), "100");
  EXPECT_EQ(plain(0.004), "0");
}

TEST(Bars, AreCutAtTheLimitAndSaySo) {
  const std::string whole = draw_bars("t", {{"a", "glibc", 3, "3", ""}}, 4);
  const std::string cut = draw_bars("t", {{"a", "glibc", 30, "30", ""}}, 4);
  EXPECT_EQ(whole.find("class=\"cut\""), std::string::npos);
  EXPECT_NE(cut.find("class=\"cut\""), std::string::npos);
}

TEST(Drawings, HoldNoNumberThatIsNone) {
  const std::string flat = draw_lines("t", {{"a", "glibc", {{1, 0}, {1, 0}}}}, {"x"}, {"y"}) +
                           draw_lines("t", {{"a", "glibc", {{1, 1}}}}, {"x", true}, {"y", true}) +
                           draw_dots("t", {{"a", "glibc", {{"p50", 0}, {"max", 0}}}}, "ns") +
                           draw_bars("t", {{"a", "glibc", 0, "0", ""}}, 4);
  EXPECT_EQ(flat.find("nan"), std::string::npos);
  EXPECT_EQ(flat.find("inf"), std::string::npos);
}

TEST(Text, IsSafeInXml) { EXPECT_EQ(escaped("a<b>&\"c\"\x01"), "a&lt;b&gt;&amp;&quot;c&quot;"); }

}  // namespace
}  // namespace trestle::tool
