// `trestle fuzz`: builds the fuzz targets and runs one.
#include <algorithm>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <memory>

#include "child.hpp"
#include "commands.hpp"
#include "crashes.hpp"
#include "fuzz_plan.hpp"
#include "merge.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExamples = R"(What follows -- goes to libFuzzer as it is; a later option wins over ours.
What is found is kept: new inputs in the corpus directory, inputs that fail beside it in DIR-crashes, with the program that
each is (.txt) and the smallest one that fails in the same way (.min.txt). Each is run once more: of those that fail alike, by
what is reported and the innermost functions, one is described so, and the others are named beside it. The environment's
TRESTLE_CORPUS names a directory for all targets' (build/fuzz/found).

Exit status:
  The target's: 0, or 77 after a crash, 1 after a sanitizer's report, 70 after a hang, 71 where memory ran out (with several
  jobs 1 for all of these; with --fork that of the last process, or 77 if another's input failed); 125 if trestle itself
  failed, 2 if the command line was wrong.

Examples:
  trestle fuzz --list                           the targets
  trestle fuzz heap_ops --seconds 60            for a minute, with final statistics
  trestle fuzz heap_ops --jobs 4 --seconds 600  four processes, which share what they find
  trestle fuzz heap_ops --fork --jobs 4 --seconds 3600 --merge
                                                for an hour, on after each crash; then the corpus made smaller
  trestle fuzz heap_ops --seconds 60 --regressions fuzz/regressions
                                                and what fails kept among the stored inputs
  trestle fuzz heap_ops -- -runs=10000 -seed=1  the same inputs each time
  trestle fuzz heap_ops -- -help=1              libFuzzer's options)";

constexpr int kCrashed = 77;  // libFuzzer's status after a crash

struct Request : FuzzRequest {
  bool list = false;
  bool merge = false;
  std::string regressions;
};

int print_list(const std::vector<Target>& targets) {
  std::size_t width = 0;
  for (const Target& target : targets) width = std::max(width, target.name.size());
  for (const Target& target : targets) {
    std::cout << std::left << std::setw(static_cast<int>(width) + 2) << target.name << target.description << '\n';
  }
  return 0;
}

// A target whose inputs failed, and where what is made of them goes.
struct Found {
  const Target& target;
  fs::path program;
  fs::path ops;  // empty: the target takes none, or there is no such program
  fs::path regressions;
};

bool is_hang(const fs::path& crash) { return crash.filename().string().starts_with("timeout-"); }

// Where DIR/TARGET keeps a crash: by its failure, and by the beginning of the name that its contents gave it.
fs::path regression_of(const Found& found, const CrashGroup& group) {
  const std::string name = group.inputs.front().filename().string();
  const std::string id = name.substr(name.find('-') + 1, 8);
  return found.regressions / found.target.name / (slug_of(group.signature) + "-" + id);
}

// What `ops VERB TARGET FILE` prints, in the file beside it. Says so and goes on where it fails: the crash itself is told of.
bool write_text(const Found& found, std::vector<std::string> words, const fs::path& crash,
                const std::string& extension) {
  const std::string verb = words.front();
  words.insert(words.begin(), found.ops.string());
  words.insert(words.begin() + 2, {found.target.name, crash.string()});
  const Heard heard = listen_to_child(words, {});
  if (heard.ended.status != 0) {
    std::cerr << "trestle: ops " << verb << ' ' << crash.string() << " failed: " << heard.err << '\n';
    return false;
  }
  const fs::path text = crash.string() + extension;
  std::ofstream file(text);
  file << heard.out << std::flush;
  std::cerr << "trestle: " << (file ? "" : "cannot write ") << text.string() << '\n';
  return true;
}

// The smallest input where one can be made, or else the one that was found.
void describe_crash(const Found& found, const CrashGroup& group) {
  const fs::path& crash = group.inputs.front();
  const fs::path kept = found.regressions.empty() ? fs::path() : regression_of(found, group);
  if (!kept.empty()) require_writable(kept.parent_path());
  bool is_kept = kept.empty();
  if (!found.ops.empty()) {
    write_text(found, {"show"}, crash, ".txt");
    // Each candidate of a hang would take as long as the hang.
    std::vector<std::string> words{"shrink"};
    if (!kept.empty()) words.insert(words.end(), {"-o", kept.string()});
    if (!is_hang(crash)) is_kept = write_text(found, words, crash, ".min.txt") || is_kept;
  }
  std::error_code error;
  if (!is_kept) fs::copy_file(crash, kept, fs::copy_options::overwrite_existing, error);
  if (!kept.empty()) std::cerr << "trestle: " << (error ? "cannot write " : "kept as ") << kept.string() << '\n';
}

// How an input fails by itself. One that hangs is not waited for again: where it was when time ran out says little.
Signature signature_of_input(const fs::path& program, const fs::path& input) {
  constexpr unsigned kSeconds = 60;
  if (is_hang(input)) return {"timeout", {}};
  const std::vector<std::string> words{program.string(), "-timeout=20", input.string()};
  const Heard heard = listen_to_child(words, {}, kSeconds);
  stop_if_asked_to(heard.ended, "fuzz");
  return signature_of(heard.err, heard.ended.status);
}

void describe_crashes(const Found& found, const std::vector<fs::path>& crashes) {
  const auto signature = [&](const fs::path& input) { return signature_of_input(found.program, input); };
  for (const CrashGroup& group : grouped(crashes, signature)) {
    std::cerr << "trestle: the input that fails: " << group.inputs.front().string() << '\n'
              << "trestle: " << text_of(group.signature) << '\n';
    for (std::size_t i = 1; i < group.inputs.size(); ++i)
      std::cerr << "trestle: fails alike: " << group.inputs[i].string() << '\n';
    describe_crash(found, group);
  }
}

void merge_found(const FuzzPlan& plan, const Target& target) {
  const Merged merged = merge_corpus(plan.corpus, [&](const fs::path& fresh, const fs::path& corpus) {
    std::vector<std::string> words{plan.words.front()};
    const std::vector<std::string> options = base_options(target);
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"-artifact_prefix=" + plan.artifacts.string() + "/", "-merge=1", fresh, corpus});
    const Ended ended = run_child(words, {});
    stop_if_asked_to(ended, "fuzz");
    return ended.status == 0;
  });
  std::cerr << "trestle: " << plan.corpus.string() << ": " << merged.before << " inputs before the merge, "
            << merged.after << " after it\n";
}

int fuzz(const Request& request, const Harnesses& harnesses) {
  const std::vector<Target> targets = read_targets(harnesses.fuzz);
  if (request.list) return print_list(targets);
  const Target& target = target_named(targets, request.target);
  const FuzzPlan plan = plan_fuzz(request, target, harnesses);
  if (request.merge) refuse_unquotable("--merge", plan.words);
  const fs::path regressions = request.regressions.empty() ? fs::path() : fs::absolute(request.regressions);
  require_writable(plan.corpus);
  require_writable(plan.artifacts);
  if (!regressions.empty()) require_writable(regressions);
  const CrashTimes before = crashes_in(plan.artifacts);
  // A job writes its log to the working directory; beside the crashes it is of use.
  if (request.jobs > 1) fs::current_path(plan.artifacts);
  const Ended ended = run_child(plan.words, {});
  std::error_code unseen;
  const fs::path ops = harnesses.fuzz / "ops";
  const bool has_ops = target.takes_ops() && fs::exists(ops, unseen);
  const std::vector<fs::path> crashes = new_crashes(before, crashes_in(plan.artifacts));
  describe_crashes({target, plan.words.front(), has_ops ? ops : fs::path(), regressions}, crashes);
  if (request.merge && ended.signal == 0) merge_found(plan, target);
  // In fork mode the status is that of the last child alone.
  return request.fork && ended.status == 0 && !crashes.empty() ? kCrashed : ended.status;
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
  command->add_flag("--fork", request->fork,
                    "Fuzz in children (as many at once as --jobs says) and go on after a crash");
  command->add_flag("--merge", request->merge, "At the end, leave out of the corpus what covers nothing more");
  command
      ->add_option("--regressions", request->regressions,
                   "Keep the smallest of each failure's inputs as DIR/TARGET/NAME")
      ->type_name("DIR");
  command->add_option("--corpus", request->corpus, "Keep new inputs here")->type_name("DIR");
  command->add_option("--artifacts", request->artifacts, "Keep inputs that fail here")->type_name("DIR");
  command->footer(kExamples);
  command->callback([request, &rest, &status] {
    request->options = rest.words;
    status = build_and_fuzz(*request);
  });
}

}  // namespace trestle::tool
