// `trestle fuzz`: builds the fuzz targets and runs one.
#include <algorithm>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <memory>

#include "child.hpp"
#include "commands.hpp"
#include "fuzz_plan.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExamples = R"(What follows -- goes to libFuzzer as it is; a later option wins over ours.
What is found is kept: new inputs in the corpus directory, inputs that fail beside it in DIR-crashes, with the program that
each is (.txt) and the smallest one that fails in the same way (.min.txt). The environment's TRESTLE_CORPUS names a directory for all targets' (build/fuzz/found).

Exit status:
  The target's: 0, or 77 after a crash, 1 after a sanitizer's report, 70 after a hang, 71 where memory ran out (with several
  jobs 1 for all of these); 125 if trestle itself failed, 2 if the command line was wrong.

Examples:
  trestle fuzz --list                           the targets
  trestle fuzz heap_ops --seconds 60            for a minute, with final statistics
  trestle fuzz heap_ops --jobs 4 --seconds 600  four processes, which share what they find
  trestle fuzz heap_ops -- -runs=10000 -seed=1  the same inputs each time
  trestle fuzz heap_ops -- -help=1              libFuzzer's options)";

struct Request : FuzzRequest {
  bool list = false;
};

int print_list(const std::vector<Target>& targets) {
  std::size_t width = 0;
  for (const Target& target : targets) width = std::max(width, target.name.size());
  for (const Target& target : targets) {
    std::cout << std::left << std::setw(static_cast<int>(width) + 2) << target.name << target.description << '\n';
  }
  return 0;
}

// What `ops VERB TARGET FILE` prints, in the file beside it. Says so and goes on where it fails: the crash itself is told of.
void write_text(const fs::path& ops, const std::string& verb, const std::string& target, const fs::path& crash,
                const std::string& extension) {
  const Heard heard = listen_to_child({ops.string(), verb, target, crash.string()}, {});
  if (heard.ended.status != 0) {
    std::cerr << "trestle: ops " << verb << ' ' << crash.string() << " failed: " << heard.err << '\n';
    return;
  }
  const fs::path text = crash.string() + extension;
  std::ofstream file(text);
  file << heard.out << std::flush;
  std::cerr << "trestle: " << (file ? "" : "cannot write ") << text.string() << '\n';
}

void describe_crash(const fs::path& targets, const Target& target, const fs::path& crash) {
  std::cerr << "trestle: the input that fails: " << crash.string() << '\n';
  const fs::path ops = targets / "ops";
  std::error_code unseen;
  if (!target.takes_ops() || !fs::exists(ops, unseen)) return;
  write_text(ops, "show", target.name, crash, ".txt");
  // Each candidate of a hang would take as long as the hang.
  if (crash.filename().string().rfind("timeout-", 0) == 0) return;
  write_text(ops, "shrink", target.name, crash, ".min.txt");
}

int fuzz(const Request& request, const Harnesses& harnesses) {
  const std::vector<Target> targets = read_targets(harnesses.fuzz);
  if (request.list) return print_list(targets);
  const Target& target = target_named(targets, request.target);
  const FuzzPlan plan = plan_fuzz(request, target, harnesses);
  require_writable(plan.corpus);
  require_writable(plan.artifacts);
  const CrashTimes before = crashes_in(plan.artifacts);
  // A job writes its log to the working directory; beside the crashes it is of use.
  if (request.jobs > 1) fs::current_path(plan.artifacts);
  const Ended ended = run_child(plan.words, {});
  for (const fs::path& crash : new_crashes(before, crashes_in(plan.artifacts))) {
    describe_crash(harnesses.fuzz, target, crash);
  }
  return ended.status;
}

int build_and_fuzz(const Request& request) {
  if (!request.list && request.target.empty()) {
    throw Failure(kUsage, "fuzz: no target given; trestle fuzz --list names them");
  }
  const Harnesses harnesses = find_harnesses();
  build(harnesses, "fuzz");
  return fuzz(request, harnesses);
}

struct FuzzHelp : CLI::Formatter {
  [[nodiscard]] std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: trestle fuzz TARGET [OPTIONS] [-- LIBFUZZER OPTIONS]\n";
  }
};

}  // namespace

void add_fuzz(CLI::App& app, const Rest& rest, int& status) {
  const auto request = std::make_shared<Request>();
  CLI::App* const command = app.add_subcommand("fuzz", "Run a fuzz target on what it has found so far");
  command->formatter(std::make_shared<FuzzHelp>());
  command->add_option("target", request->target, "Which; see --list")->type_name("TARGET");
  command->add_flag("--list", request->list, "Print the targets");
  command->add_option("--seconds", request->seconds, "Stop after so long (default: at a crash)")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command
      ->add_option("--jobs", request->jobs, "So many processes at once; each runs its time, whatever befalls another")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command->add_option("--corpus", request->corpus, "Keep new inputs here")->type_name("DIR");
  command->add_option("--artifacts", request->artifacts, "Keep inputs that fail here")->type_name("DIR");
  command->footer(kExamples);
  command->callback([request, &rest, &status] {
    request->options = rest.words;
    status = build_and_fuzz(*request);
  });
}

}  // namespace trestle::tool
