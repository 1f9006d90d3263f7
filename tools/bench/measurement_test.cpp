#include "bench/measurement.hpp"

#include <gtest/gtest.h>

#include "failure.hpp"

namespace trestle::tool {
namespace {

using Told = trestle::tool::Run;  // a test has a Run of its own

Told read(const std::string& said) {
  Told run;
  read_said(said, run);
  return run;
}

TEST(Said, FiguresAndTheResidentSetAreTakenOut) {
  const Told run = read("begin\nfigure ns_per_op 12.5\nrss 1.5 2048\nfigure p99.99 1e3\nrss 3 4096\nbytes 7\n");
  EXPECT_EQ(run.figures, (std::map<std::string, double>{{"ns_per_op", 12.5}, {"p99.99", 1000}}));
  ASSERT_EQ(run.resident.size(), 2U);
  EXPECT_EQ(run.resident[0].milliseconds, 1.5);
  EXPECT_EQ(run.resident[1].kib, 4096);
  EXPECT_EQ(run.answer, read("begin\nbytes 7\n").answer);
}

TEST(Said, AllElseIsTheAnswer) {
  EXPECT_NE(read("bytes 7\n").answer, read("bytes 8\n").answer);
  EXPECT_NE(read("a\nb\n").answer, read("ab\n").answer);
  EXPECT_EQ(read("no newline at the end").answer, read("no newline at the end\n").answer);
  EXPECT_NE(read("figures are not figure\n").answer, read("").answer);
  EXPECT_TRUE(read("").figures.empty());
}

TEST(Said, WhatIsNoFigureIsRefused) {
  for (const char* const line : {"figure x", "figure x y", "figure x 1 2", "rss 1", "rss 1 2 3", "figure x 1z"}) {
    try {
      static_cast<void>(read(line));
      ADD_FAILURE() << "read: " << line;
    } catch (const Failure& failure) {
      EXPECT_NE(std::string(failure.what()).find(line), std::string::npos);
    }
  }
}

TEST(Machine, IsThisOne) {
  const Machine machine = this_machine();
  EXPECT_GE(machine.cores, 1U);
  EXPECT_GT(machine.memory_gib, 0);
  EXPECT_TRUE(machine.kernel.starts_with("Linux ")) << machine.kernel;
  EXPECT_EQ(machine.system.find('"'), std::string::npos) << machine.system;
}

}  // namespace
}  // namespace trestle::tool
