// `trestle bench`: what programs cost on each allocator; what the harnesses, and malloc and free, cost.
#include <fstream>
#include <iomanip>
#include <iostream>
#include <memory>

#include "bench/compare.hpp"
#include "bench/runner.hpp"
#include "child.hpp"
#include "commands.hpp"
#include "fuzz_plan.hpp"
#include "harness.hpp"
#include "rates.hpp"
#include "targets.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExamples =
    R"(Without a subcommand: micro benchmarks, threads, programs of our own and real ones run on glibc, jemalloc, mimalloc, tcmalloc,
Scudo, each policy and each --library, in turns. Ratios to --base of the medians of CPU time (of threads: of the time an
operation takes) and of peak RSS, their geometric means, latencies, and the figures that are to be reached. All of it takes
more than half an hour on two cores; docs/benchmarks.md says what each workload does. Where the harnesses are installed
without the sources, as in the container, what is not installed is left out. Exit status 1: a run failed.

Examples:
  trestle bench                      all of it
  trestle bench --list               what there is to measure
  trestle bench --workload 'server|^lua$' --allocator 'mimalloc|fast' --rounds 9
  trestle bench --library mine=./libmine.so --json all.json --html all.html
  trestle bench --from all.json --base glibc
  trestle bench harness              executions a second of each fuzz target
  trestle bench harness --rounds 9   with less noise
  trestle bench pairs                nanoseconds of a malloc and its free, beside glibc's)";

constexpr const char* kHarnessHelp =
    R"(Executions a second of CPU time, of inputs of up to 512 bytes: of the stored corpus as it is (stored), and of a run that
fuzzes from there, or from nothing, with a fixed seed (fuzzing), whose inputs grow as more is found. The heap is checked in
full after every operation, under AddressSanitizer and UndefinedBehaviorSanitizer. The median, the slowest and the fastest of
the rounds, in which the targets take turns.

Example:
  trestle bench harness --rounds 3 --runs 10000)";

struct Request {
  unsigned rounds = 5;
  unsigned runs = 20000;
  bool from_nothing = false;
};

std::vector<std::string> stored_inputs(const Target& target, const Harnesses& harnesses) {
  std::vector<std::string> inputs;
  for (const std::string& directory : seeds_of(target, harnesses.seeds)) {
    for (const fs::directory_entry& seed : fs::directory_iterator(directory)) inputs.push_back(seed.path().string());
  }
  std::sort(inputs.begin(), inputs.end());
  return inputs;
}

// The inputs in a file, as -seed_inputs wants them. A run that is given no corpus keeps what it finds to itself: writing it to
// a disk is not what is measured, and the next round starts from the same.
std::string list_of(const std::vector<std::string>& inputs, const Scratch& scratch) {
  std::string list;
  for (const std::string& input : inputs) list += (list.empty() ? "" : ",") + input;
  const std::string path = scratch.path() + "/seeds";
  std::ofstream file(path);
  if (!(file << list) || !file.flush()) throw Failure(kOwnFailure, "cannot write " + path);
  return path;
}

// Where the inputs that failed are, which the scratch folder would take with it; nothing where there are none.
std::string kept_inputs(const Scratch& scratch, const fs::path& crashes) {
  std::string told;
  for (const fs::path& kept : keep_crashes(scratch.path(), crashes)) {
    told += (told.empty() ? "; the input that failed: " : ", ") + kept.string();
  }
  return told;
}

std::vector<std::string> words_of(const Target& target, const Harnesses& harnesses, const Scratch& scratch) {
  std::vector<std::string> words{(harnesses.fuzz / target.name).string()};
  const std::vector<std::string> options = base_options(target);
  words.insert(words.end(), options.begin(), options.end());
  words.push_back("-artifact_prefix=" + scratch.path() + "/");
  return words;
}

double executions_a_second(const std::vector<std::string>& words, const Target& target, const Harnesses& harnesses,
                           const Scratch& scratch) {
  const Heard heard = listen_to_child(words, {});
  if (heard.ended.status == 0) {
    return static_cast<double>(statistic(heard.err, "number_of_executed_units")) / heard.ended.cpu_seconds;
  }
  std::cerr << heard.err;
  throw Failure(kOwnFailure, target.name + " failed with status " + std::to_string(heard.ended.status) +
                                 kept_inputs(scratch, harnesses.found / (target.name + "-crashes")));
}

double rate_fuzzing(const Target& target, const Harnesses& harnesses, const Request& request,
                    const std::vector<std::string>& inputs) {
  const Scratch scratch;
  std::vector<std::string> words = words_of(target, harnesses, scratch);
  words.insert(words.end(), {"-runs=" + std::to_string(request.runs), "-seed=1"});
  if (!inputs.empty()) words.push_back("-seed_inputs=@" + list_of(inputs, scratch));
  return executions_a_second(words, target, harnesses, scratch);
}

// Links to the inputs, over and over until they are as many as the runs. The folder that is empty comes first, since a target
// may write there.
double rate_stored(const Target& target, const Harnesses& harnesses, const Request& request,
                   const std::vector<std::string>& inputs) {
  const Scratch scratch;
  const fs::path empty = scratch.path() + "/empty";
  const fs::path links = scratch.path() + "/stored";
  fs::create_directory(empty);
  fs::create_directory(links);
  for (std::size_t i = 0; i < request.runs; ++i)
    fs::create_symlink(fs::absolute(inputs[i % inputs.size()]), links / std::to_string(i));
  std::vector<std::string> words = words_of(target, harnesses, scratch);
  words.insert(words.end(), {"-runs=0", empty, links});
  return executions_a_second(words, target, harnesses, scratch);
}

struct Measured {
  Target target;
  std::vector<std::string> inputs;
  std::vector<double> fuzzing;
  std::vector<double> stored;
};

void print_row(const std::string& name, const std::vector<double>& rates) {
  const auto [slowest, fastest] = std::minmax_element(rates.begin(), rates.end());
  std::cout << std::left << std::setw(25) << name << std::right << std::fixed << std::setprecision(0);
  for (const double rate : {median(rates), *slowest, *fastest}) std::cout << std::setw(10) << rate;
  std::cout << '\n';
}

void bench_harness(const Request& request) {
  const Harnesses harnesses = find_harnesses();
  build(harnesses, "fuzz");
  std::vector<Measured> measured;
  for (const Target& target : read_targets(harnesses.fuzz)) {
    if (!target.takes_ops()) continue;
    measured.push_back(
        {target, request.from_nothing ? std::vector<std::string>() : stored_inputs(target, harnesses), {}, {}});
  }
  for (unsigned round = 1; round <= request.rounds; ++round) {
    std::cerr << "trestle: round " << round << " of " << request.rounds << '\n';
    for (Measured& one : measured) {
      one.fuzzing.push_back(rate_fuzzing(one.target, harnesses, request, one.inputs));
      if (!one.inputs.empty()) one.stored.push_back(rate_stored(one.target, harnesses, request, one.inputs));
    }
  }
  std::cout << "executions a second          median   slowest   fastest\n";
  for (const Measured& one : measured) {
    print_row(one.target.name + " fuzzing", one.fuzzing);
    if (!one.stored.empty()) print_row(one.target.name + " stored", one.stored);
  }
}

void add_harness(CLI::App& bench) {
  const auto request = std::make_shared<Request>();
  CLI::App* const command = bench.add_subcommand("harness", "Executions a second of the fuzz targets of op programs");
  command->add_option("--rounds", request->rounds, "Runs of each target")
      ->check(CLI::PositiveNumber)
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--runs", request->runs, "Executions in a run")
      ->check(CLI::PositiveNumber)
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--from-nothing", request->from_nothing, "Without the stored corpus");
  command->footer(kHarnessHelp);
  command->callback([request] { bench_harness(*request); });
}

struct PairsRequest {
  unsigned rounds = 5;
  std::string pattern = ".";
};

void add_pairs(CLI::App& bench) {
  const auto request = std::make_shared<PairsRequest>();
  CLI::App* const command = bench.add_subcommand("pairs", "Nanoseconds of a malloc and its free, beside glibc's");
  command->add_option("--rounds", request->rounds, "Runs of each library")
      ->check(CLI::PositiveNumber)
      ->type_name("N")
      ->capture_default_str();
  command->add_option("-R", request->pattern, "Only benchmarks whose names match")->type_name("REGEX");
  command->footer("Example:\n  trestle bench pairs --rounds 3 -R '^pair/64$'");
  command->callback([request] {
    const Harnesses harnesses = find_harnesses();
    const std::string script = (source_directory("bench pairs") / "bench/pairs.sh").string();
    build(harnesses, "release", {"kit", "bench_pairs"});
    hand_over({script, std::to_string(request->rounds), request->pattern});
  });
}

}  // namespace

void add_bench(CLI::App& app, int& status) {
  CLI::App* const bench =
      app.add_subcommand("bench", "Measure allocators side by side, the harnesses, or malloc and free");
  bench->require_subcommand(0, 1);
  bench->footer(kExamples);
  add_compare(*bench, status);
  add_harness(*bench);
  add_pairs(*bench);
}

}  // namespace trestle::tool
