// `trestle replay`: a trace again, on one malloc after the other.
#include <algorithm>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>

#include "bench/catalogue.hpp"
#include "bench/runner.hpp"
#include "bench/statistics.hpp"
#include "child.hpp"
#include "commands.hpp"
#include "files.hpp"
#include "harness.hpp"
#include "preload.hpp"
#include "replays.hpp"
#include "summary.hpp"
#include "trace/reader.hpp"
#include "trace_end.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExamples =
    R"(The calls of the trace, each thread's in a thread, in a process that has nothing else to do: what a thread does to a
block waits for what another did to it before, and nothing waits for the time that the program took between. A byte of
each page is written, and the last one. The allocators take turns; medians of the rounds. RSS is what the replay added to
that of its process. Exit status 1: a replay failed.

Examples:
  trestle replay lua.trace                                glibc, and each policy
  trestle replay lua.trace --lib jemalloc --lib ./mine.so  installed ones by name, others by file
  trestle replay lua.trace --policy fast --rounds 9
  trestle replay lua.trace --json lua.json --html lua.html)";

struct Request {
  std::string trace;
  std::vector<std::string> libraries;
  std::vector<std::string> policies;
  unsigned rounds = 3;
  unsigned limit = 600;
  std::string json;
  std::string html;
};

fs::path worker() {
  const fs::path built = (own_directory() / "../trace/replay_worker").lexically_normal();
  std::error_code unseen;
  const fs::path found = fs::exists(built, unseen) ? built : installed_kit() / "replay_worker";
  if (!fs::exists(found, unseen))
    throw Failure(kOwnFailure, "replay: neither " + built.string() + " nor " + found.string() + " is there");
  return found;
}

Allocator allocator_named(const std::string& word) {
  if (word.find('=') != std::string::npos) return parse_library(word);
  if (word.find('/') != std::string::npos) return library_at(fs::path(word).filename().string(), word, "--lib");
  for (const Allocator& one : find_installed().there) {
    if (one.name == word) return one;
  }
  return library_at(fs::path(word).filename().string(), word, "--lib");
}

std::vector<Allocator> allocators_of(const Request& request) {
  std::vector<std::string> words = request.libraries;
  words.insert(words.end(), request.policies.begin(), request.policies.end());
  if (words.empty()) words = {"glibc", "fast", "hardened", "debug"};
  std::vector<Allocator> all;
  for (const std::string& word : words) {
    Allocator one = allocator_named(word);
    const auto has_name = [&](const Allocator& other) { return other.name == one.name; };
    if (std::any_of(all.begin(), all.end(), has_name))
      throw Failure(kUsage, "replay: two libraries are called " + one.name + "; NAME=FILE gives another name");
    all.push_back(std::move(one));
  }
  return all;
}

Replay run_once(const Request& request, const Allocator& allocator, const std::string& plan) {
  const Settings settings{
      {"LD_PRELOAD", allocator.name == "glibc" ? "" : allocator.path}, {"TRESTLE_OPTIONS", ""}, {"TRESTLE_TRACE", ""}};
  const Heard heard = listen_to_child({worker().string(), plan}, settings, request.limit);
  stop_if_asked_to(heard.ended, "replay");
  return replay_from(heard, allocator, request.limit);
}

Replays run_all(const Request& request) {
  trace::Reader reader(request.trace);
  Replays replays{.trace = request.trace, .program = reader.program(), .allocators = allocators_of(request)};
  const Scratch scratch;
  const std::string plan = scratch.path() + "/plan";
  replays.plan = write_plan(reader, plan);
  warn_if_not_ended(reader);
  if (reader.lost() != 0)
    std::cerr << "trestle: " << request.trace << ": " << reader.lost() << " calls are missing at its end\n";
  for (unsigned round = 0; round < request.rounds; ++round) {
    std::cerr << "trestle: round " << round + 1 << " of " << request.rounds << '\n';
    for (const Allocator& allocator : rotated(replays.allocators, round)) {
      replays.runs.push_back(run_once(request, allocator, plan));
      const Replay& run = replays.runs.back();
      if (!run.failure.empty()) throw Failure(1, "replay: " + allocator.name + ": " + run.failure);
    }
  }
  return replays;
}

void replay(const Request& request) {
  for (const std::string& path : {request.json, request.html}) require_writable(path);
  const Replays replays = run_all(request);
  print_table(std::cout, replays);
  if (!request.json.empty()) write_file(request.json, json_of(replays));
  if (!request.html.empty()) write_file(request.html, page_of(replays));
}

}  // namespace

void add_replay(CLI::App& app) {
  const auto request = std::make_shared<Request>();
  CLI::App* const command = app.add_subcommand("replay", "Perform a trace's calls again, on one malloc beside others");
  command->add_option("TRACE", request->trace, "What trestle record wrote")->required()->type_name("");
  command->add_option("--lib", request->libraries, "FILE, NAME=FILE or an installed one's name; repeatable")
      ->type_name("LIB")
      ->take_all();
  command->add_option("--policy", request->policies, "One of ours; repeatable")
      ->check(CLI::IsMember({"fast", "hardened", "debug"}))
      ->take_all();
  command->add_option("--rounds", request->rounds, "Replays on each")
      ->check(CLI::PositiveNumber)
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--limit", request->limit, "Seconds that a replay may take")
      ->check(CLI::PositiveNumber)
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--json", request->json, "Write all figures here")->type_name("FILE");
  command->add_option("--html", request->html, "Write a page with RSS over the calls here")->type_name("FILE");
  command->footer(kExamples);
  command->callback([request] { replay(*request); });
}

}  // namespace trestle::tool
