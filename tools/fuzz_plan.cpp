#include "fuzz_plan.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "failure.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

fs::path whole(const fs::path& path) {
  const fs::path normal = fs::absolute(path).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();  // without the slash at its end
}

void append(std::vector<std::string>& words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
}

}  // namespace

void refuse_unquotable(const std::string& option, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word.find_first_of(" \t\n\"'\\$`&|;<>()*?[]#~!") == std::string::npos) continue;
    throw Failure(kUsage, "fuzz: " + option + " cannot be used with this, which a shell would change: " + word);
  }
}

// Several jobs are libFuzzer's -jobs, and its -fork only where that is asked for: a fork run prints no final statistics of its
// own and loses those of its children, while each job prints all of them, and a crash in any gives a non-zero status. What a job
// finds the others read from the corpus that they share.
FuzzPlan plan_fuzz(const FuzzRequest& request, const Target& target, const Harnesses& harnesses) {
  FuzzPlan plan;
  plan.corpus = whole(request.corpus.empty() ? harnesses.found / target.name : fs::path(request.corpus));
  plan.artifacts = whole(request.artifacts.empty() ? plan.corpus.string() + "-crashes" : request.artifacts);
  plan.words = {(harnesses.fuzz / target.name).string()};
  append(plan.words, base_options(target));
  plan.words.push_back("-artifact_prefix=" + plan.artifacts.string() + "/");
  if (request.seconds > 0) plan.words.push_back("-max_total_time=" + std::to_string(request.seconds));
  if (request.fork) {
    append(plan.words, {"-fork=" + std::to_string(request.jobs), "-ignore_crashes=1"});
  } else if (request.jobs > 1) {
    const std::string jobs = std::to_string(request.jobs);
    append(plan.words, {"-jobs=" + jobs, "-workers=" + jobs});
  }
  append(plan.words, request.options);
  plan.words.push_back(plan.corpus.string());
  append(plan.words, seeds_of(target, harnesses.seeds));
  if (request.fork || request.jobs > 1) refuse_unquotable(request.fork ? "--fork" : "--jobs", plan.words);
  return plan;
}

void require_writable(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) throw Failure(kOwnFailure, "cannot make " + directory.string() + ": " + error.message());
  std::string probe = (directory / ".writable-XXXXXX").string();
  const int file = mkstemp(probe.data());
  if (file < 0) throw Failure(kOwnFailure, "cannot write to " + directory.string() + ": " + std::strerror(errno));
  close(file);
  unlink(probe.c_str());
}

CrashTimes crashes_in(const fs::path& artifacts) {
  CrashTimes times;
  std::error_code unseen;
  for (const fs::directory_entry& entry : fs::directory_iterator(artifacts, unseen)) {
    const fs::path& path = entry.path();
    const std::string name = path.filename().string();
    const bool is_text = path.has_extension();  // what is written beside an input is called INPUT.txt
    for (const char* const kind : {"crash-", "leak-", "oom-", "timeout-"}) {
      if (name.starts_with(kind) && !is_text) times[path] = entry.last_write_time();
    }
  }
  return times;
}

std::vector<fs::path> keep_crashes(const fs::path& scratch, const fs::path& crashes) {
  std::vector<fs::path> kept;
  for (const auto& [input, time] : crashes_in(scratch)) {
    if (kept.empty()) require_writable(crashes);
    kept.push_back(crashes / input.filename());
    std::error_code error;
    fs::copy_file(input, kept.back(), fs::copy_options::overwrite_existing, error);
    if (error) throw Failure(kOwnFailure, "cannot write " + kept.back().string() + ": " + error.message());
  }
  return kept;
}

std::vector<fs::path> new_crashes(const CrashTimes& before, const CrashTimes& after) {
  std::vector<fs::path> fresh;
  for (const auto& [path, time] : after) {
    const auto known = before.find(path);
    if (known == before.end() || known->second < time) fresh.push_back(path);
  }
  return fresh;
}

}  // namespace trestle::tool
