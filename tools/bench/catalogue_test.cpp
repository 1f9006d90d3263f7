#include "bench/catalogue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "bench/bars.hpp"
#include "bench/runner.hpp"
#include "bench/tables.hpp"
#include "failure.hpp"

namespace trestle::tool {
namespace {

std::string complaint_about(const std::string& given) {
  try {
    static_cast<void>(parse_library(given));
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status, kUsage);
    return failure.what();
  }
  return "";
}

TEST(Workloads, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const Workload& workload : all_workloads()) {
    EXPECT_TRUE(names.insert(workload.name).second) << workload.name;
    EXPECT_FALSE(workload.words.empty());
    EXPECT_FALSE(workload.what.empty());
  }
  const auto rows =
      std::count_if(all_workloads().begin(), all_workloads().end(), [](const auto& one) { return one.is_row(); });
  EXPECT_GE(rows, 20);
}

TEST(Workloads, AreChosenByAPartOfTheirNames) {
  EXPECT_EQ(workloads_matching("^lua$").size(), 1U);
  EXPECT_EQ(workloads_matching("^growth-").size(), 3U);
  EXPECT_THROW(static_cast<void>(workloads_matching("nothing")), Failure);
  EXPECT_THROW(static_cast<void>(workloads_matching("(")), Failure);
}

TEST(Workloads, AreThereForEveryBarAndStudy) {
  const auto is_there = [](const std::string& name) {
    return std::any_of(all_workloads().begin(), all_workloads().end(),
                       [&](const auto& one) { return one.name == name; });
  };
  for (const std::string& row : scaled_workloads()) {
    for (const char* const threads : {"", "-1", "-64"}) EXPECT_TRUE(is_there(row + threads)) << row << threads;
  }
  for (const Study& study : all_studies()) {
    for (const auto& [workload, figure] : study.columns) EXPECT_TRUE(is_there(workload)) << workload;
  }
}

TEST(Libraries, AreGivenByNameAndPath) {
  const Allocator libc = parse_library("mine=/lib/x86_64-linux-gnu/../x86_64-linux-gnu/libc.so.6");
  EXPECT_EQ(libc.name, "mine");
  EXPECT_EQ(libc.path, "/lib/x86_64-linux-gnu/libc.so.6");
}

TEST(Libraries, ThatCannotBeAreNamed) {
  for (const char* const word : {"mine", "=/lib/a.so", "mine=", ""}) {
    EXPECT_EQ(complaint_about(word), std::string("--library: not NAME=PATH: ") + word);
  }
  EXPECT_EQ(complaint_about("mine=/no/such.so"), "--library: no file /no/such.so");
  EXPECT_EQ(complaint_about("mine=/etc/passwd"), "--library: not a 64-bit shared library: /etc/passwd");
  EXPECT_EQ(complaint_about("mine=/dev/null"), "--library: no file /dev/null");
  EXPECT_EQ(complaint_about("a b=/etc/passwd"), "--library: a name has letters, digits and _.+- only: a b");
}

TEST(Allocators, FitWhatTheyCanRun) {
  const Allocator twins{kTwins, "", ""};
  const Allocator other{"glibc", "/libc.so.6", ""};
  const Allocator ours{"fast", "/f.so", ""};
  const Workload own = workloads_matching("^json$")[0];
  const Workload real = workloads_matching("^lua$")[0];
  const Workload study = workloads_matching("^latency$")[0];
  const Workload check = workloads_matching("^heap-check$")[0];
  EXPECT_TRUE(fits(own, twins) && fits(own, other) && fits(own, ours));
  EXPECT_TRUE(!fits(real, twins) && fits(real, other));
  EXPECT_TRUE(!fits(study, twins) && fits(study, other));
  EXPECT_TRUE(!fits(check, twins) && !fits(check, other) && fits(check, ours));
}

TEST(Allocators, AreThoseThatMatch) {
  const Found found = find_allocators({}, "^glibc$", "/none");
  ASSERT_EQ(found.there.size(), 1U);
  EXPECT_TRUE(found.missing.empty());
  EXPECT_NE(found.there[0].path.find("libc.so.6"), std::string::npos);
}

TEST(Allocators, MayNotShareAName) {
  EXPECT_THROW(static_cast<void>(find_allocators({"glibc=/lib/x86_64-linux-gnu/libm.so.6"}, ".", "/none")), Failure);
}

TEST(Obstacles, AreAllProgramsThatAWorkloadStarts) {
  const Runner runner("/no", "/no", 100);
  Workload workload{"shell", "real", Cost::cpu, "", {"sh", "{scripts}/some.sh"}};
  EXPECT_EQ(runner.obstacle(workload), "");
  workload.needs = {"sh", "no-such-program"};
  EXPECT_EQ(runner.obstacle(workload), "no no-such-program in /usr/bin:/bin");
}

}  // namespace
}  // namespace trestle::tool
