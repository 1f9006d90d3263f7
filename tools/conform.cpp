// `trestle conform`: how any malloc keeps the rules, what it makes of misuse, and how it stands shortage.
#include <sys/resource.h>

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>

#include "bench/catalogue.hpp"
#include "commands.hpp"
#include "conform/formats.hpp"
#include "conform/guided.hpp"
#include "conform/kit.hpp"
#include "files.hpp"
#include "harness.hpp"
#include "preload.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExamples =
    R"(LIBRARY is a file, NAME=FILE, or the word glibc for the system's own malloc. Each case runs in a process of its own, in
which the loader puts the library in place of malloc; docs/conform.md says what the cases ask and how the scores come about.
With --fuzz op programs run on it instead, and where clang compiled it with -fsanitize-coverage=inline-8bit-counters,pc-table,
what they reach in it leads to others. The first that fails ends that; it is kept, made small and printed as C.
Exit status 1: a library breaks a rule. Misuse has no rules, so what becomes of it changes the score alone.

Examples:
  trestle conform ./libmine.so
  trestle conform glibc mine=./libmine.so --html conform.html
  trestle conform --all-installed --junit conform.xml --sarif conform.sarif
  trestle conform ./libmine.so --case '^realloc'
  trestle conform ./libmine.so --fuzz 600 --corpus found
  trestle conform --list)";

struct Request {
  std::vector<std::string> libraries;
  bool all_installed = false;
  std::string pattern = ".";
  std::vector<std::string> areas;
  unsigned limit = 30;
  std::string json;
  std::string html;
  std::string junit;
  std::string sarif;
  bool only_list = false;
  bool as_built = false;
  GuidedRequest fuzzing;
};

fs::path programs_of(const Harnesses& harnesses) {
  return harnesses.source ? (own_directory() / "../conform").lexically_normal() : installed_kit() / "conform";
}

Allocator system_malloc() {
  const std::vector<Allocator> there = find_installed().there;
  const auto found =
      std::find_if(there.begin(), there.end(), [](const Allocator& one) { return one.name == kSystemMalloc; });
  if (found == there.end()) throw Failure(kUsage, "conform: glibc: no libc.so.6 in the system's directories");
  return *found;
}

Allocator parse(const std::string& word) {
  if (word == kSystemMalloc) return system_malloc();
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos) return library_at(fs::path(word).filename().string(), word, "conform");
  if (equals == 0) throw Failure(kUsage, "conform: no name before '=': " + word);
  return library_at(word.substr(0, equals), word.substr(equals + 1), "conform");
}

// Those that were named have to work; of the installed ones, those that do not are left out, and it is said why.
Examination plan(const Request& request, const ConformKit& kit) {
  Examination examination{.started = now_as_text(), .version = TRESTLE_VERSION, .libraries = {}, .left_out = {}};
  if (request.all_installed) {
    Found found = find_installed();
    examination.left_out = std::move(found.missing);
    for (Allocator& one : found.there) {
      const std::string why = kit.obstacle(one);
      if (why.empty()) {
        examination.libraries.push_back({std::move(one), {}});
      } else {
        examination.left_out.push_back({one.name, why});
      }
    }
  }
  for (const std::string& word : request.libraries) {
    Allocator one = parse(word);
    const auto has_name = [&](const Examined& other) { return other.allocator.name == one.name; };
    if (std::any_of(examination.libraries.begin(), examination.libraries.end(), has_name))
      throw Failure(kUsage, "conform: two libraries are called " + one.name + "; NAME=FILE gives another name");
    const std::string why = kit.obstacle(one);
    if (!why.empty()) throw Failure(kUsage, "conform: " + one.name + " (" + one.path + ") " + why);
    examination.libraries.push_back({std::move(one), {}});
  }
  return examination;
}

void list(const std::vector<ConformCase>& cases) {
  for (const ConformCase& one : cases) {
    std::cout << std::left << std::setw(12) << one.area << std::setw(30) << one.name << one.rule << ": " << one.what
              << '\n';
  }
}

// Crashes are expected here, and nobody wants a file of each.
void write_no_cores() {
  rlimit limit{};
  if (getrlimit(RLIMIT_CORE, &limit) != 0) return;
  limit.rlim_cur = 0;
  setrlimit(RLIMIT_CORE, &limit);
}

void examine(Examination& examination, const ConformKit& kit, const std::vector<ConformCase>& cases) {
  write_no_cores();
  for (Examined& library : examination.libraries) {
    std::cerr << "trestle: " << cases.size() << (cases.size() == 1 ? " case on " : " cases on ")
              << library.allocator.name << '\n';
    for (const ConformCase& one : cases) library.results.push_back(kit.run(one, library.allocator));
  }
}

std::vector<ConformCase> cases_of(const Request& request, const ConformKit& kit) {
  std::vector<ConformCase> cases = kit.cases(request.pattern);
  std::erase_if(cases, [&](const ConformCase& one) {
    return !request.areas.empty() &&
           std::find(request.areas.begin(), request.areas.end(), one.area) == request.areas.end();
  });
  if (cases.empty())
    throw Failure(kUsage, "conform: no case of these areas has a name that matches " + request.pattern);
  return cases;
}

// Each in its turn.
int fuzz(const Request& request, const ConformKit& kit) {
  write_no_cores();
  bool is_sound = true;
  for (const Examined& library : plan(request, kit).libraries) {
    std::cerr << "trestle: op programs on " << library.allocator.name << '\n';
    is_sound = fuzz_library(request.fuzzing, kit, library.allocator) && is_sound;
  }
  return is_sound ? 0 : 1;
}

int conform(const Request& request) {
  if (!request.only_list && !request.all_installed && request.libraries.empty())
    throw Failure(kUsage, "conform: no library is named; --all-installed takes those that are installed");
  const Harnesses harnesses = find_harnesses();
  if (!request.as_built) build(harnesses, "release", {"kit", "conform_kit"});
  const ConformKit kit(programs_of(harnesses), request.limit);
  if (request.fuzzing.seconds != 0) return fuzz(request, kit);
  const std::vector<ConformCase> cases = cases_of(request, kit);
  if (request.only_list) return list(cases), 0;
  for (const std::string& path : {request.json, request.html, request.junit, request.sarif}) require_writable(path);
  Examination examination = plan(request, kit);
  examine(examination, kit, cases);
  print_examination(std::cout, examination);
  write_file(request.json, json_of(examination).dump(2) + "\n");
  write_file(request.html, page_of(examination));
  write_file(request.junit, junit_of(examination));
  write_file(request.sarif, sarif_of(examination).dump(2) + "\n");
  return has_violation(examination) ? 1 : 0;
}

void add_fuzzing(CLI::App& command, GuidedRequest& fuzzing) {
  CLI::Option* const fuzz = command
                                .add_option("--fuzz", fuzzing.seconds,
                                            "Instead of cases, op programs for so long, led by the library's coverage")
                                ->check(CLI::PositiveNumber)
                                ->type_name("SECONDS");
  for (const char* const other : {"--list", "--case", "--area", "--json", "--html", "--junit", "--sarif"})
    fuzz->excludes(command.get_option(other));
  command.add_option("--runs", fuzzing.runs, "With --fuzz: so many programs at most")
      ->check(CLI::PositiveNumber)
      ->type_name("N")
      ->needs(fuzz);
  command.add_option("--seed", fuzzing.seed, "With --fuzz: the same programs each time")
      ->check(CLI::PositiveNumber)
      ->type_name("N")
      ->needs(fuzz);
  command
      .add_option("--corpus", fuzzing.corpus,
                  "With --fuzz: begin with the programs there, and add those that reach more")
      ->type_name("DIR")
      ->needs(fuzz);
}

}  // namespace

void add_conform(CLI::App& app, int& status) {
  const auto request = std::make_shared<Request>();
  CLI::App* const command = app.add_subcommand("conform", "Examine any malloc: rules, op programs, misuse, robustness");
  command->add_option("LIBRARY", request->libraries, "A library to preload, or glibc")->type_name("");
  command->add_flag("--all-installed", request->all_installed, "The peers of Debian's packages, and our libraries");
  command->add_option("--case", request->pattern, "Only cases whose names match")->type_name("REGEX");
  command->add_option("--area", request->areas, "Only cases of this area; repeatable")
      ->check(CLI::IsMember(std::vector<std::string>(kAreas.begin(), kAreas.end())))
      ->type_name("AREA")
      ->take_all();
  command->add_option("--limit", request->limit, "Seconds that a case may take")
      ->check(CLI::PositiveNumber)
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--json", request->json, "Write all results here")->type_name("FILE");
  command->add_option("--html", request->html, "Write a page here")->type_name("FILE");
  command->add_option("--junit", request->junit, "Write JUnit XML here")->type_name("FILE");
  command->add_option("--sarif", request->sarif, "Write the violations as SARIF here")->type_name("FILE");
  command->add_flag("--list", request->only_list, "Name the cases, and end");
  command->add_flag("--as-built", request->as_built, "Install and build nothing before");
  add_fuzzing(*command, request->fuzzing);
  command->footer(kExamples);
  command->callback([request, &status] { status = conform(*request); });
}

}  // namespace trestle::tool
