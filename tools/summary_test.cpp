#include "summary.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace trestle::tool {
namespace {

constexpr const char* kOne =
    R"({"pid":7,"policy":"hardened","allocations":12345,"deallocations":12000,"peak_live_bytes":4404019,"peak_rss_bytes":10276045,"checks":3,)"
    R"("check_nanoseconds":120000000,"faults":0,"fault":""})";
constexpr const char* kOther =
    R"({"pid":8,"policy":"hardened","allocations":1,"deallocations":1,"peak_live_bytes":900,"peak_rss_bytes":8192,"checks":0,)"
    R"("check_nanoseconds":0,"faults":1,"fault":"double free"})";

std::string described(const std::string& lines) {
  std::istringstream stream(lines);
  return describe(read_summary(stream));
}

TEST(Summary, OfOneProcess) {
  EXPECT_EQ(described(std::string(kOne) + '\n'),
            "12,345 allocations, peak 4.2 MiB live, 9.8 MiB resident, 0.12 s in 3 checks, faults: none");
}

TEST(Summary, AddsProcessesUpAndTakesTheHighestPeak) {
  EXPECT_EQ(described(std::string(kOne) + '\n' + kOther + '\n'),
            "2 processes, 12,346 allocations, highest peak 4.2 MiB live, 9.8 MiB resident, 0.12 s in 3 checks, faults: "
            "1 (double free)");
}

TEST(Summary, OfSingularsAndSmallNumbers) {
  EXPECT_EQ(described(kOther), "1 allocation, peak 900 B live, 8.0 KiB resident, 0 checks, faults: 1 (double free)");
}

TEST(Summary, TakesTheLaterOfTwoLinesOfOneProcess) {
  std::string later = kOther;
  later.replace(later.find("\"pid\":8"), 7, "\"pid\":7");
  std::istringstream lines(std::string(kOne) + '\n' + later);
  const Summary summary = read_summary(lines);
  ASSERT_EQ(summary.processes.size(), 1U);
  EXPECT_EQ(summary.processes.at(7).allocations, 1U);
}

TEST(Summary, CountsLinesThatAreNotTheLibrarys) {
  EXPECT_EQ(described(std::string(kOther).append("\n{\"pid\":9,\"alloc\n[]\n{\"pid\":\"x\",\"allocations\":-1}\n")),
            "1 allocation, peak 900 B live, 8.0 KiB resident, 0 checks, faults: 1 (double free), 3 unreadable lines");
}

TEST(Summary, AddsUpWhatLeaked) {
  const auto with = [](std::string line, const std::string& leaked) {
    return line.replace(line.find("\"faults\""), 0, leaked);
  };
  const std::string searched = with(kOne, R"("leaks_searched":1,"leaked_blocks":0,"leaked_bytes":0,)");
  const std::string leaking = with(kOther, R"("leaks_searched":1,"leaked_blocks":1,"leaked_bytes":2048,)");
  std::istringstream both(searched + '\n' + leaking + '\n');
  const Summary summary = read_summary(both);
  EXPECT_EQ(leaked_blocks(summary), 1U);
  EXPECT_EQ(leak_searches(summary), 2U);
  EXPECT_TRUE(describe(summary).ends_with(", faults: 1 (double free), leaked: 1 block, 2.0 KiB")) << describe(summary);
  EXPECT_EQ(described(searched), described(kOne));
  std::istringstream old(kOne);
  EXPECT_EQ(leak_searches(read_summary(old)), 0U);
}

TEST(Summary, OfNothing) {
  std::istringstream nothing;
  const Summary summary = read_summary(nothing);
  EXPECT_TRUE(summary.processes.empty());
  EXPECT_EQ(summary.unreadable, 0U);
}

}  // namespace
}  // namespace trestle::tool
