// Random programs of ops on this process's malloc, watched by the oracle that Trestle's own harnesses have: conform_ops --list,
// conform_ops NAME. Each program has a forked process of its own, so that it finds the heap as it was at the start.
//   conform_ops --replay TEXT         one program, given as its text: prints how it fails, if it does
//   conform_ops --shrink LIBRARY SEED finds the smallest part that fails alike, each tried in a process that LIBRARY is
//                                     preloaded into, and prints it as C
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <variant>

#include "child.hpp"
#include "ops/ddmin.hpp"
#include "ops/foreign_host.hpp"
#include "ops/generate.hpp"
#include "to_c.hpp"

namespace trestle::conform {
namespace {

constexpr const char* kName = "ops.programs";
constexpr std::size_t kPrograms = 60;
constexpr std::size_t kOps = 80;
constexpr unsigned kSecondsPerProgram = 20;

ops::Program program_of(std::uint64_t seed) {
  ops::Random random(seed);
  return ops::generate(ops::kForeignVocabulary, random, kOps);
}

// What a process leaves behind, whatever becomes of it.
struct Outcome {
  ops::Expectation what = ops::Expectation::met;
  char detail[400] = "";
  char answers[2 * kOps] = "";
};

Outcome& shared_outcome() {
  void* const place = mmap(nullptr, sizeof(Outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) std::abort();
  return *new (place) Outcome;
}

void perform(const ops::Program& program, Outcome& outcome) {
  static ops::ForeignHost host;
  const std::optional<ops::Failure> failure = ops::run(program, host);
  std::snprintf(outcome.answers, sizeof outcome.answers, "%s", host.engine().answers().c_str());
  if (!failure) return;
  std::snprintf(outcome.detail, sizeof outcome.detail, "%s", failure->detail.c_str());
  outcome.what = failure->what;
}

// How a program fails, in a few words that are the same for the same mistake; empty: it does not.
struct Tried {
  std::string how;
  Outcome outcome;
};
Tried try_program(const ops::Program& program) {
  static Outcome& shared = shared_outcome();
  shared = Outcome{};
  const pid_t child = fork();
  if (child == 0) {
    alarm(kSecondsPerProgram);
    perform(program, shared);
    _exit(EXIT_SUCCESS);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (shared.what != ops::Expectation::met) return {ops::name_of(shared.what), shared};
  if (WIFSIGNALED(status)) return {std::string("ended by signal ") + strsignal(WTERMSIG(status)), shared};
  if (status != 0) return {"ended with a status of its own", shared};
  return {"", shared};
}

int list() {
  std::printf(
      "conform\tcase\tops\t%s\tC11 7.22.3\t%zu random programs of %zu calls: aligned, apart, zeroed, contents "
      "kept\t\n",
      kName, kPrograms, kOps);
  return EXIT_SUCCESS;
}

int run_all() {
  for (std::uint64_t seed = 1; seed <= kPrograms; ++seed) {
    const Tried tried = try_program(program_of(seed));
    if (!tried.how.empty()) {
      std::printf("conform\tseed\t%llu\n", static_cast<unsigned long long>(seed));
      std::printf("conform\tviolated\tprogram %llu: %s: %s\n", static_cast<unsigned long long>(seed), tried.how.c_str(),
                  tried.outcome.detail);
      return EXIT_FAILURE;
    }
    std::printf("conform\tanswers\t%s\n", tried.outcome.answers);
  }
  std::printf("conform\tpassed\t\n");
  return EXIT_SUCCESS;
}

int replay(const char* text) {
  const std::variant<ops::Program, ops::TextError> parsed = ops::parse(text);
  if (const auto* const error = std::get_if<ops::TextError>(&parsed)) {
    std::fprintf(stderr, "conform_ops: line %zu: %s\n", error->line, error->what.c_str());
    return 2;
  }
  const Tried tried = try_program(std::get<ops::Program>(parsed));
  std::printf("%s\n%s\n", tried.how.c_str(), tried.outcome.detail);
  return EXIT_SUCCESS;
}

// Both lines of what --replay says of a program on that library. A process that ends otherwise fails too.
std::string said_of(const ops::Program& program, const std::string& library) {
  const tool::Heard heard = tool::listen_to_child({"/proc/self/exe", "--replay", ops::to_text(program)},
                                                  {{"LD_PRELOAD", library}}, 3 * kSecondsPerProgram);
  if (heard.ended.status == 0) return heard.out;
  return "ended with status " + std::to_string(heard.ended.status) + "\n\n";
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

int shrink(const std::string& library, const char* seed) {
  const ops::Program whole = program_of(std::strtoull(seed, nullptr, 10));
  const std::string how = first_line(said_of(whole, library));
  if (how.empty()) {
    std::fprintf(stderr, "conform_ops: program %s does not fail alone\n", seed);
    return EXIT_FAILURE;
  }
  const ops::Program least =
      ops::shrink(whole, [&](const ops::Program& part) { return first_line(said_of(part, library)) == how; });
  const std::string said = said_of(least, library);
  std::string detail = said.substr(how.size() + 1);
  detail.erase(std::remove(detail.begin(), detail.end(), '\n'), detail.end());
  std::fputs(to_c(least, detail.empty() ? how : how + ": " + detail).c_str(), stdout);
  return EXIT_SUCCESS;
}

int run(int count, char** words) {
  const std::string first = count > 1 ? words[1] : "";
  if (count == 2 && first == "--list") return list();
  if (count == 2 && first == kName) return run_all();
  if (count == 3 && first == "--replay") return replay(words[2]);
  if (count == 4 && first == "--shrink") return shrink(words[2], words[3]);
  std::fputs("usage: conform_ops --list | NAME | --replay TEXT | --shrink LIBRARY SEED\n", stderr);
  return 2;
}

}  // namespace
}  // namespace trestle::conform

int main(int count, char** words) {
  std::setvbuf(stdout, nullptr, _IONBF, 0);  // what a process that is forked has not written, it must not write again
  try {
    return trestle::conform::run(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "conform_ops: %s\n", error.what());
    return 125;
  }
}
