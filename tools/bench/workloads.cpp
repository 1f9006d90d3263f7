// The table of workloads. docs/benchmarks.md says more of each.
#include <iterator>

#include "bench/catalogue.hpp"
#include "failure.hpp"
#include "rounds.hpp"

namespace trestle::tool {
namespace {

std::vector<Workload> micro() {
  const auto row = [](const char* name, const char* what, std::vector<std::string> words) {
    return Workload{name, "micro", Cost::cpu, what, std::move(words)};
  };
  return {
      row("pairs-small", "malloc and free of one size, 16 B to 1 KiB, at once and over a window of 256",
          {"{programs}/pairs", "small"}),
      row("pairs-large", "the same, 4 KiB to 1 MiB, over a window of 32", {"{programs}/pairs", "large"}),
      row("random-live", "random sizes to 1 KiB, 100,000 live objects", {"{programs}/random_live"}),
      row("realloc", "64 buffers that grow in turns, to 1 MiB each, and one to 64 MiB", {"{programs}/realloc"}),
      row("calloc", "zeroed blocks, 16 B to 256 KiB, that were written before", {"{programs}/calloc"}),
      row("aligned", "alignments of 32 to 4,096", {"{programs}/aligned"}),
      row("fragmentation", "grow, free a random 90 %, allocate another size, malloc_trim",
          {"{programs}/fragmentation"}),
  };
}

std::vector<Workload> threaded() {
  const auto row = [](const char* name, const char* what, std::vector<std::string> words) {
    return Workload{name, "threads", Cost::reported, what, std::move(words)};
  };
  return {
      row("handover-2", "a producer allocates, a consumer frees", {"{programs}/handover", "2"}),
      row("handover-8", "four producers, four consumers", {"{programs}/handover", "8"}),
      row("thread-churn", "threads that live shortly and leave blocks to the next", {"{programs}/churn", "2"}),
      row("server", "objects that outlive the thread that made them", {"{programs}/server", "2"}),
      row("threads-own", "two threads, each with its own objects", {"{programs}/own", "2"}),
      row("threads-medium", "the same with objects of 33 to 256 KiB", {"{programs}/medium", "2"}),
      row("false-sharing", "small objects handed to two threads that write in loops", {"{programs}/sharing", "2"}),
  };
}

std::vector<Workload> own() {
  const auto row = [](const char* name, const char* what, std::vector<std::string> words) {
    return Workload{name, "own", Cost::cpu, what, std::move(words)};
  };
  return {
      row("interpreter", "a Lisp of counted cons cells", {"{programs}/interpreter"}),
      row("compiler", "tokens, a tree without an arena, folding, code", {"{programs}/compiler"}),
      row("kvstore", "a hash table of strings with eviction", {"{programs}/kvstore"}),
      row("json", "texts to trees of maps, vectors and strings, and back", {"{programs}/json"}),
      row("graph", "shortest paths over nodes and edges of their own", {"{programs}/graph"}),
  };
}

std::vector<Workload> real() {
  const auto row = [](const char* name, const char* what, std::vector<std::string> words,
                      std::vector<std::string> needs = {}) {
    return Workload{name, "real", Cost::cpu, what, std::move(words), false, std::move(needs)};
  };
  return {
      row("python3", "objects, JSON, sorting, classes", {"python3", "{scripts}/work.py"}),
      row("sqlite3", "a database in memory",
          {"sqlite3", "-bail", "-init", "/dev/null", ":memory:", ".read {scripts}/work.sql"}),
      row("g++", "a file that takes much of the standard library",
          {"g++", "-std=c++20", "-O1", "-S", "-o", "-", "{scripts}/unit.cpp"}),
      row("clang", "the same by clang-19", {"clang-19", "-std=c++20", "-O1", "-S", "-o", "-", "{scripts}/unit.cpp"}),
      row("z3", "a puzzle of bit vectors and one of integers", {"z3", "{scripts}/puzzle.smt2"}),
      row("lua", "tables, strings, closures", {"lua5.4", "{scripts}/work.lua"}),
      row("perl", "hashes, lists, text", {"perl", "{scripts}/work.pl"}),
      row("ghostscript", "pages drawn to pixels",
          {"gs", "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=ppmraw", "-r72", "-sOutputFile=-",
           "{scripts}/pages.ps"}),
      row("redis", "a server under redis-benchmark", {"sh", "{scripts}/redis.sh"},
          {"redis-server", "redis-cli", "redis-benchmark"}),
      row("node", "buffers and strings beside V8's own heap", {"node", "{scripts}/work.js"}),
  };
}

std::vector<Workload> studies() {
  const auto row = [](const char* name, const char* what, std::vector<std::string> words) {
    return Workload{name, "study", Cost::reported, what, std::move(words)};
  };
  std::vector<Workload> studies{
      row("latency", "single operations in a steady mixed load", {"{programs}/latency"}),
      row("growth-1e3", "an operation at 1,000 live objects", {"{programs}/growth", "1000"}),
      row("growth-1e5", "at 100,000", {"{programs}/growth", "100000"}),
      row("growth-1e7", "at 10,000,000", {"{programs}/growth", "10000000"}),
      row("thread-churn-1", "thread-churn, one at a time", {"{programs}/churn", "1"}),
      row("thread-churn-64", "64 at a time", {"{programs}/churn", "64"}),
      row("server-1", "server, one thread", {"{programs}/server", "1"}),
      row("server-64", "64 threads", {"{programs}/server", "64"}),
      row("threads-own-1", "threads-own, one thread", {"{programs}/own", "1"}),
      row("threads-own-64", "64 threads", {"{programs}/own", "64"}),
      row("threads-medium-1", "threads-medium, one thread", {"{programs}/medium", "1"}),
      row("threads-medium-64", "64 threads", {"{programs}/medium", "64"}),
      row("false-sharing-1", "false-sharing, one thread", {"{programs}/sharing", "1"}),
      row("false-sharing-64", "64 threads", {"{programs}/sharing", "64"}),
      row("handover-64", "32 producers, 32 consumers", {"{programs}/handover", "64"}),
      row("heap-check", "a full check of a million objects of 64 bytes", {"{programs}/heap_check"}),
  };
  studies.back().ours_only = true;
  return studies;
}

}  // namespace

const std::vector<Workload>& all_workloads() {
  static const std::vector<Workload> kAll = [] {
    std::vector<Workload> all;
    for (std::vector<Workload> group : {micro(), threaded(), own(), real(), studies()}) {
      all.insert(all.end(), std::make_move_iterator(group.begin()), std::make_move_iterator(group.end()));
    }
    return all;
  }();
  return kAll;
}

std::vector<Workload> workloads_matching(const std::string& pattern) {
  std::vector<Workload> chosen;
  for (const Workload& workload : all_workloads()) {
    if (has_match(workload.name, pattern)) chosen.push_back(workload);
  }
  if (chosen.empty()) throw Failure(kUsage, "no workload's name matches " + pattern + "; --list names them");
  return chosen;
}

}  // namespace trestle::tool
