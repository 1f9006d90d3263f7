#include "bench/compare.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <set>

#include "bench/catalogue.hpp"
#include "bench/html.hpp"
#include "bench/json.hpp"
#include "bench/runner.hpp"
#include "bench/tables.hpp"
#include "failure.hpp"
#include "files.hpp"
#include "harness.hpp"
#include "preload.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

struct Request {
  unsigned rounds = 5;
  unsigned work = 100;
  std::string workloads = ".";
  std::string allocators = ".";
  std::vector<std::string> libraries;
  std::string base = "mimalloc";
  std::string json;
  std::string html;
  std::string from;
  bool only_list = false;
  bool as_built = false;
};

// The built programs and the scripts, of a source directory's build tree or of an installation without sources.
struct Places {
  std::optional<fs::path> source;
  fs::path programs;
  fs::path scripts;
};

Places find_places() {
  if (const std::optional<fs::path> source = source_above(own_directory())) {
    return {source, (own_directory() / "../bench").lexically_normal(), *source / "bench/programs"};
  }
  const fs::path installed = installed_kit() / "bench";
  return {std::nullopt, installed, installed / "programs"};
}

void require_programs(const Places& places) {
  std::error_code unseen;
  if (places.source || fs::exists(places.programs / "workloads", unseen)) return;
  throw Failure(kOwnFailure, "bench: Trestle's source directory is not above " + own_directory().string() +
                                 ", and no workloads are installed in " + places.programs.string());
}

void build_programs(const fs::path& source) {
  const auto run_or_fail = [](const std::vector<std::string>& words) {
    const Ended ended = run_child(words, {}, {.out = 2});
    if (ended.status != 0) throw Failure(kOwnFailure, words[0] + " failed with status " + std::to_string(ended.status));
  };
  run_or_fail({(source / "ci/setup.sh").string(), "bench"});
  run_or_fail({(source / "ci/build.sh").string(), "release", "kit", "bench_workloads"});
}

bool is_given(const Request& request, const std::string& name) {
  return std::any_of(request.libraries.begin(), request.libraries.end(),
                     [&](const std::string& word) { return word.starts_with(name + "="); });
}

// Keeps what can be run and says of the rest why not. An allocator that was asked for by its path has to work.
void keep_what_works(Campaign& campaign, const Runner& runner, const Request& request) {
  const auto leave_out = [&](const std::string& name, const std::string& why) {
    std::cerr << "trestle: left out: " << name << ": " << why << '\n';
    campaign.left_out.push_back({name, why});
    return true;
  };
  std::erase_if(campaign.allocators, [&](const Allocator& allocator) {
    const std::string why = runner.obstacle(allocator);
    if (!why.empty() && is_given(request, allocator.name)) {
      throw Failure(kUsage, "--library: " + allocator.name + " (" + allocator.path + ") " + why);
    }
    return !why.empty() && leave_out(allocator.name, why);
  });
  std::erase_if(campaign.workloads, [&](const Workload& workload) {
    const std::string why = runner.obstacle(workload);
    return !why.empty() && leave_out(workload.name, why);
  });
}

// The base, where it is there; the first allocator where nobody asked for another.
void settle_base(Campaign& campaign, const Request& request, bool was_asked_for) {
  const auto is_base = [&](const Allocator& one) { return one.name == request.base; };
  if (campaign.allocators.empty()) throw Failure(kOwnFailure, "no allocator is left to measure");
  if (std::any_of(campaign.allocators.begin(), campaign.allocators.end(), is_base)) {
    campaign.base = request.base;
  } else if (was_asked_for) {
    throw Failure(kUsage, "--base: " + request.base + " is not among the allocators that are measured");
  } else {
    campaign.base = campaign.allocators[0].name;
  }
}

Campaign plan(const Request& request, const Places& places) {
  Campaign campaign;
  campaign.workloads = workloads_matching(request.workloads);
  Found found = find_allocators(request.libraries, request.allocators, places.programs);
  campaign.allocators = std::move(found.there);
  campaign.left_out = std::move(found.missing);
  campaign.started = now_as_text();
  campaign.version = TRESTLE_VERSION;
  campaign.rounds = request.rounds;
  campaign.work = request.work;
  campaign.machine = this_machine();
  return campaign;
}

// One after the other on each allocator, beginning with another in each round and each workload, so that a machine that
// slows down slows all of them, and none always runs behind the same one.
void measure(Campaign& campaign, const Runner& runner) {
  std::set<std::pair<std::string, std::string>> failed;
  for (unsigned round = 1; round <= campaign.rounds; ++round) {
    for (std::size_t i = 0; i < campaign.workloads.size(); ++i) {
      const Workload& workload = campaign.workloads[i];
      std::cerr << "trestle: round " << round << " of " << campaign.rounds << ": " << workload.name << '\n';
      for (const Allocator& allocator : rotated(campaign.allocators, round - 1 + i)) {
        if (!fits(workload, allocator) || failed.contains({workload.name, allocator.name})) continue;
        Run run = runner.run(workload, allocator);
        run.round = round;
        if (!run.failure.empty()) {
          std::cerr << "trestle: " << workload.name << " on " << allocator.name << ": " << run.failure << '\n';
          failed.insert({workload.name, allocator.name});
        }
        campaign.runs.push_back(std::move(run));
      }
    }
  }
  compare_answers(campaign);
}

int show(const Campaign& campaign, const Request& request) {
  const Medians medians(campaign);
  print_tables(std::cout, campaign, medians);
  if (!request.json.empty()) write_file(request.json, to_json(campaign, medians));
  if (!request.html.empty()) write_file(request.html, to_html(campaign, medians));
  return failures_of(campaign).empty() ? 0 : 1;
}

Campaign read_campaign(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Failure(kUsage, "cannot read " + path);
  return campaign_from_json(file);
}

int compare(const Request& request, bool base_was_asked_for) {
  if (!request.from.empty()) {
    Campaign campaign = read_campaign(request.from);
    if (base_was_asked_for) settle_base(campaign, request, true);
    return show(campaign, request);
  }
  const Places places = find_places();
  Campaign campaign = plan(request, places);
  if (request.only_list) {
    print_list(std::cout, campaign);
    return 0;
  }
  require_programs(places);
  require_writable(request.json);
  require_writable(request.html);
  if (places.source && !request.as_built) {
    build_programs(*places.source);
    campaign = plan(request, places);  // what was missing may be there now
  }
  const Runner runner(places.programs, places.scripts, request.work);
  keep_what_works(campaign, runner, request);
  settle_base(campaign, request, base_was_asked_for);
  measure(campaign, runner);
  return show(campaign, request);
}

}  // namespace

void add_compare(CLI::App& bench, int& status) {
  const auto request = std::make_shared<Request>();
  const auto number = [&](const char* name, unsigned& value, const char* what) {
    bench.add_option(name, value, what)->check(CLI::PositiveNumber)->type_name("N")->capture_default_str();
  };
  const auto text = [&](const char* name, std::string& value, const char* what, const char* type) {
    return bench.add_option(name, value, what)->type_name(type);
  };
  number("--rounds", request->rounds, "Runs of each workload on each allocator; the median counts");
  number("--work", request->work, "Percent of the usual work in Trestle's own workloads and scripts");
  text("--workload", request->workloads, "Only workloads whose names match", "REGEX");
  text("--allocator", request->allocators, "Only allocators whose names match", "REGEX");
  bench.add_option("--library", request->libraries, "Another allocator, a library to preload; repeatable")
      ->type_name("NAME=PATH")
      ->take_all();
  CLI::Option* const base =
      text("--base", request->base, "What the others are compared with", "NAME")->capture_default_str();
  text("--json", request->json, "Write all runs and results here", "FILE");
  text("--html", request->html, "Write a page with plots here", "FILE");
  text("--from", request->from, "Measure nothing: show the campaign of an earlier --json", "FILE");
  bench.add_flag("--as-built", request->as_built, "Install and build nothing before");
  bench.add_flag("--list", request->only_list, "Name the workloads and the allocators, and end");
  bench.callback([request, base, &bench, &status] {
    if (bench.get_subcommands().empty()) status = compare(*request, base->count() > 0);
  });
}

}  // namespace trestle::tool
