#include "bench/runner.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "bench/catalogue.hpp"
#include "failure.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

// No run takes a tenth of this; a broken allocator may take for ever.
constexpr unsigned kLimitSeconds = 180;

std::string replaced(std::string word, const std::string& what, const std::string& by) {
  const std::size_t at = word.find(what);
  return at == std::string::npos ? word : word.replace(at, what.size(), by);
}

// The last line of what was said, for a failure's one line.
std::string last_line(std::string said) {
  while (!said.empty() && said.back() == '\n') said.pop_back();
  const std::size_t start = said.rfind('\n');
  return start == std::string::npos ? said : said.substr(start + 1);
}

std::string failure_of(const Heard& heard) {
  if (heard.ended.status == 0) return "";
  const std::string how = heard.ended.signal == SIGALRM ? "did not end within " + std::to_string(kLimitSeconds) + " s"
                                                        : "ended with status " + std::to_string(heard.ended.status);
  const std::string said = last_line(heard.err);
  return said.empty() ? how : how + ": " + said;
}

// Only these directories: what a version manager puts before them is a script around the program.
constexpr const char* kPath = "/usr/bin:/bin";

bool is_in_path(const std::string& program) {
  return access(("/usr/bin/" + program).c_str(), X_OK) == 0 || access(("/bin/" + program).c_str(), X_OK) == 0;
}

}  // namespace

Scratch::Scratch() : path_((fs::temp_directory_path() / "trestle-bench-XXXXXX").string()) {
  if (mkdtemp(path_.data()) == nullptr) throw Failure(kOwnFailure, "cannot make " + path_);
}

Scratch::~Scratch() {
  std::error_code left;
  fs::remove_all(path_, left);
}

Runner::Runner(fs::path programs, fs::path scripts, unsigned work)
    : programs_(std::move(programs)), scripts_(std::move(scripts)), work_(work) {}

std::vector<std::string> Runner::words_of(const Workload& workload, const Allocator& allocator) const {
  const fs::path kind = programs_ / (allocator.name == kTwins ? kTwins : "workloads");
  std::vector<std::string> words;
  words.reserve(workload.words.size());
  for (const std::string& word : workload.words) {
    words.push_back(replaced(replaced(word, "{programs}", kind.string()), "{scripts}", scripts_.string()));
  }
  return words;
}

// The witness comes first, so that what follows it is the allocator.
Settings Runner::settings_for(const Allocator& allocator) const {
  const std::string witness = (programs_ / "libtrestle-bench-witness.so").string();
  return {{"LD_PRELOAD", allocator.path.empty() ? witness : witness + ":" + allocator.path},
          {"TRESTLE_OPTIONS", ""},
          {"TRESTLE_BENCH_WITNESS", witness_file()},
          {"TRESTLE_BENCH_WORK", std::to_string(work_)},
          {"ASAN_OPTIONS", "detect_leaks=0:verify_asan_link_order=0"},
          {"PATH", kPath},
          {"LC_ALL", "C.UTF-8"},
          {"HOME", scratch_.path()},
          {"TMPDIR", scratch_.path()},
          {"PYTHONHASHSEED", "0"},
          {"PERL_HASH_SEED", "0"}};
}

// Each process of a run has left a line: the file that its malloc is in.
std::string Runner::testimony_against(const Allocator& allocator, const std::string& program) const {
  const std::string& expected = allocator.path.empty() ? program : allocator.path;
  std::ifstream lines(witness_file());
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    std::error_code unseen;
    if (!fs::equivalent(line, expected, unseen)) return "is not at work: malloc is that of " + line;
  }
  return count > 0 ? "" : "cannot be seen at work: no process said where its malloc is";
}

Run Runner::run(const Workload& workload, const Allocator& allocator) const {
  const std::vector<std::string> words = words_of(workload, allocator);
  unlink(witness_file().c_str());
  // The kernel counts the pages that a process has between fork and exec to its peak: those of ours.
  malloc_trim(0);
  const Heard heard = listen_to_child(words, settings_for(allocator), kLimitSeconds);
  stop_if_asked_to(heard.ended, "bench");
  Run run;
  run.workload = workload.name;
  run.allocator = allocator.name;
  run.cpu_seconds = heard.ended.cpu_seconds;
  run.wall_seconds = heard.ended.wall_seconds;
  run.peak_rss_kib = static_cast<double>(heard.ended.peak_rss_kib);
  run.failure = failure_of(heard);
  if (!run.failure.empty()) return run;
  run.failure = testimony_against(allocator, words[0]);
  read_said(heard.out, run);
  if (run.failure.empty() && workload.cost == Cost::reported && !run.figures.contains("ns_per_op")) {
    run.failure = "told no ns_per_op";
  }
  return run;
}

std::string Runner::obstacle(const Allocator& allocator) const {
  if (allocator.path.empty()) return "";
  unlink(witness_file().c_str());
  const Heard heard = listen_to_child({"true"}, settings_for(allocator), kLimitSeconds);
  const std::string failure = failure_of(heard);
  return failure.empty() ? testimony_against(allocator, "true") : failure;
}

std::string Runner::obstacle(const Workload& workload) const {
  const std::string program = words_of(workload, {})[0];
  if (program.starts_with('/')) return access(program.c_str(), X_OK) == 0 ? "" : "no " + program;
  std::vector<std::string> needs = workload.needs;
  needs.insert(needs.begin(), program);
  const auto missing = std::find_if_not(needs.begin(), needs.end(), is_in_path);
  return missing == needs.end() ? "" : "no " + *missing + " in " + kPath;
}

}  // namespace trestle::tool
