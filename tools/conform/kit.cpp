#include "conform/kit.hpp"

#include <unistd.h>

#include "conform/judge.hpp"
#include "failure.hpp"
#include "rounds.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

// Whatever options the caller has set for Trestle's own libraries are not what is examined.
Settings settings_for(const Allocator& allocator) {
  return {
      {"LD_PRELOAD", allocator.name == kSystemMalloc ? "" : allocator.path}, {"TRESTLE_OPTIONS", ""}, {"LC_ALL", "C"}};
}

constexpr const char* kCases = "conform_cases";
constexpr const char* kOpPrograms = "conform_ops";
constexpr const char* kFuzzer = "conform_fuzz";

}  // namespace

ConformKit::ConformKit(fs::path programs, unsigned limit) : programs_(std::move(programs)), limit_(limit) {
  std::error_code unseen;
  for (const char* const program : {kCases, kOpPrograms}) {
    if (!fs::exists(programs_ / program, unseen))
      throw Failure(kOwnFailure, "conform: no " + (programs_ / program).string());
  }
}

std::string ConformKit::program_of(const std::string& area) const {
  return (programs_ / (area == kOps ? kOpPrograms : kCases)).string();
}

std::vector<ConformCase> ConformKit::cases(const std::string& pattern) const {
  std::vector<ConformCase> matching;
  for (const char* const program : {kCases, kOpPrograms}) {
    const Heard heard = listen_to_child({(programs_ / program).string(), "--list"}, {{"LD_PRELOAD", ""}}, limit_);
    for (ConformCase& one : parse_cases(heard.out)) {
      if (has_match(one.name, pattern)) matching.push_back(std::move(one));
    }
  }
  if (matching.empty()) throw Failure(kUsage, "no case's name matches " + pattern + "; --list names them");
  return matching;
}

std::string ConformKit::obstacle(const Allocator& allocator) const {
  const Heard heard = listen_to_child({(programs_ / kCases).string(), "--where"}, settings_for(allocator), limit_);
  stop_if_asked_to(heard.ended, "conform");
  const std::string mark = "conform\tmalloc\t";
  if (heard.ended.status != 0 || !heard.out.starts_with(mark)) {
    return "lets no program run: ended with status " + std::to_string(heard.ended.status) + ", saying " +
           (heard.err.empty() ? "nothing" : heard.err.substr(0, heard.err.find('\n')));
  }
  const std::string place = heard.out.substr(mark.size(), heard.out.find('\n') - mark.size());
  std::error_code unseen;
  return fs::equivalent(place, allocator.path, unseen) ? "" : "is not at work: malloc is that of " + place;
}

ConformResult ConformKit::run(const ConformCase& one, const Allocator& allocator) const {
  const Heard heard = listen_to_child({program_of(one.area), one.name}, settings_for(allocator), limit_);
  stop_if_asked_to(heard.ended, "conform");
  ConformResult result = judge(one, heard, limit_);
  if (!result.seed.empty()) result.program = shrunk({one.name, result.seed}, allocator);
  return result;
}

int ConformKit::fuzz(const Allocator& allocator, const Fuzzing& fuzzing) const {
  const std::string program = (programs_ / kFuzzer).string();
  std::error_code unseen;
  if (!fs::exists(program, unseen))
    throw Failure(kOwnFailure,
                  "conform: --fuzz: no " + program + ", which is built where clang-19 and its libFuzzer are");
  const std::string library = settings_for(allocator)[0].second;
  const Ended ended =
      run_child({program, program_of(kOps), library, std::to_string(limit_), std::to_string(fuzzing.seconds),
                 std::to_string(fuzzing.runs), std::to_string(fuzzing.seed), fuzzing.corpus.string(),
                 fuzzing.input.string(), fuzzing.result.string()},
                {{"LD_PRELOAD", ""}}, {.out = STDERR_FILENO});
  stop_if_asked_to(ended, "conform");
  return ended.status;
}

std::string ConformKit::shrunk_input(const std::string& file, const Allocator& allocator) const {
  return shrunk({file}, allocator);
}

// Hundreds of processes, without a deadline for all of them: each has its own.
std::string ConformKit::shrunk(const std::vector<std::string>& which, const Allocator& allocator) const {
  std::vector<std::string> words{program_of(kOps), "--shrink", settings_for(allocator)[0].second,
                                 std::to_string(limit_)};
  words.insert(words.end(), which.begin(), which.end());
  const Heard heard = listen_to_child(words, {{"LD_PRELOAD", ""}});
  stop_if_asked_to(heard.ended, "conform");
  return heard.ended.status == 0 ? heard.out : "/* " + heard.err + " */\n";
}

}  // namespace trestle::tool
