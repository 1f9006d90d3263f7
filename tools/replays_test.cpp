#include "replays.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

namespace trestle::tool {
namespace {

constexpr const char* kSaid =
    "malloc\t/proc/self/exe\ncpu\t1.500000\nwall\t2.000000\nbefore\t1024\npeak\t5120\nsample\t1\t0.500\t2048\n"
    "sample\t11\t1.500\t5120\n";

Ended killed_by(int signal) {
  Ended ended{};
  ended.status = 128 + signal;
  ended.signal = signal;
  return ended;
}

Replay replay_of(const Ended& ended, const std::string& out, const std::string& err, const std::string& path) {
  return replay_from({ended, out, err}, {"mine", path, ""}, 60);
}

TEST(Replays, WhatAWorkerSaysIsRead) {
  const Replay replay = replay_of({}, kSaid, "", "/proc/self/exe");
  EXPECT_EQ(replay.failure, "");
  EXPECT_EQ(replay.cpu_seconds, 1.5);
  EXPECT_EQ(replay.wall_seconds, 2.0);
  EXPECT_EQ(replay.before_kib, 1024);
  EXPECT_EQ(replay.peak_kib, 5120);
  ASSERT_EQ(replay.resident.size(), 2U);
  EXPECT_EQ(replay.resident[1].calls, 11U);
  EXPECT_EQ(replay.resident[1].kib, 5120);
}

TEST(Replays, AnotherMallocAndADeadWorkerAreFailures) {
  EXPECT_EQ(replay_of({}, kSaid, "", "/proc/version").failure, "is not at work: malloc is that of /proc/self/exe");
  EXPECT_EQ(replay_of(killed_by(SIGABRT), "", "double free\nmore\n", "").failure, "ended with status 134: double free");
  EXPECT_EQ(replay_of(killed_by(SIGALRM), "", "", "").failure, "did not end within 60 s");
}

TEST(Replays, ARowHasTheMediansOfItsAllocator) {
  Replays replays{.trace = "a.trace", .program = "/bin/a", .allocators = {{"mine", "/m", ""}, {"other", "/o", ""}}};
  replays.plan.header = {.threads = 2, .slots = 0, .samples = 0, .first_thread = 0, .calls = 1000000};
  for (const double cpu : {3.0, 1.0, 2.0}) {
    replays.runs.push_back({"mine", cpu, cpu + 1, 1024, 1024 + static_cast<long>(cpu) * 1024, {{5, 1.0, 2048}}, ""});
    replays.runs.push_back({"other", 9, 9, 0, 9216, {}, ""});
  }
  std::ostringstream table;
  print_table(table, replays);
  EXPECT_NE(table.str().find("1,000,000 calls of /bin/a in 2 threads"), std::string::npos) << table.str();
  EXPECT_NE(table.str().find("\nmine                2.000     3.000     2000.0           2.0\n"), std::string::npos)
      << table.str();
  EXPECT_NE(table.str().find("\nother               9.000     9.000     9000.0           9.0\n"), std::string::npos)
      << table.str();
  const auto json = nlohmann::json::parse(json_of(replays));
  EXPECT_EQ(json.at("runs").size(), 6U);
  EXPECT_EQ(json.at("runs").at(0).at("resident").at(0).at(2), 2048);
  EXPECT_NE(page_of(replays).find("<svg"), std::string::npos);
}

}  // namespace
}  // namespace trestle::tool
