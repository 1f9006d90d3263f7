// One run of one workload on one allocator, and the campaign that all runs belong to.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::tool {

// What a workload's time is: CPU seconds of the whole process, or the nanoseconds an operation that it tells itself, by the
// clock on the wall, because CPU time says nothing of threads that wait for one another.
enum class Cost { cpu, reported };

// A group is how a workload is told of: the first four are rows of the tables, "study" has tables of its own.
struct Workload {
  std::string name;
  std::string group;  // micro, threads, own, real or study
  Cost cost = Cost::cpu;
  std::string what;                     // one line for a person
  std::vector<std::string> words;       // its command line; {programs} and {scripts} stand for their directories
  bool ours_only = false;               // it asks what only our libraries answer
  std::vector<std::string> needs = {};  // programs that it starts

  [[nodiscard]] bool is_row() const { return group != "study"; }
};

struct Allocator {
  std::string name;
  std::string path;     // the library that is preloaded; empty for the twin programs that are built with it
  std::string version;  // empty: unknown
};

// The resident set at a moment, in milliseconds from the program's start.
struct Sample {
  double milliseconds = 0;
  double kib = 0;
};

struct Run {
  std::string workload;
  std::string allocator;
  unsigned round = 0;
  double cpu_seconds = 0;
  double wall_seconds = 0;
  double peak_rss_kib = 0;
  std::map<std::string, double> figures;  // what the workload told of itself
  std::vector<Sample> resident;
  std::string answer;   // a hash of all else that it told: the same on every allocator, or one of them is broken
  std::string failure;  // empty: it went well
};

struct Machine {
  std::string processor;
  std::string kernel;
  std::string system;
  unsigned cores = 0;
  double memory_gib = 0;
  double load_before = 0;  // the load average of a minute, when the campaign began
};

struct LeftOut {
  std::string name;
  std::string why;
};

struct Campaign {
  std::string started;  // UTC, as ISO 8601 has it
  std::string version;  // Trestle's
  unsigned rounds = 0;
  unsigned work = 100;  // percent of the usual work in our own workloads
  std::string base;
  Machine machine;
  std::vector<Allocator> allocators;
  std::vector<Workload> workloads;
  std::vector<LeftOut> left_out;
  std::vector<Run> runs;
};

// What a workload said: lines "figure NAME VALUE" and "rss MILLISECONDS KIB" are taken out, the others are hashed into the
// answer. Throws Failure for a line that begins as one of these and goes on otherwise.
void read_said(std::string_view said, Run& run);

[[nodiscard]] Machine this_machine();
[[nodiscard]] std::string now_as_text();

}  // namespace trestle::tool
