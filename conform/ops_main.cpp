// Random programs of ops on this process's malloc, watched by the oracle that Trestle's own harnesses have: conform_ops --list,
// conform_ops NAME.
//   conform_ops --replay LIMIT TEXT              one program, given as its text, which may take LIMIT seconds: prints how it
//                                                fails, if it does
//   conform_ops --shrink LIBRARY LIMIT NAME SEED finds the smallest part of that program of a case that fails alike, each tried
//                                                in a process that LIBRARY is preloaded into, and prints it as C
//   conform_ops --shrink LIBRARY LIMIT FILE      the same of the program whose bytes the file holds
//   conform_ops --serve MEMORY TURNS LIMIT       tries programs for conform_fuzz
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "child.hpp"
#include "ops/ddmin.hpp"
#include "ops/generate.hpp"
#include "serve.hpp"
#include "to_c.hpp"
#include "trial.hpp"

namespace trestle::conform {
namespace {

constexpr std::size_t kOps = 80;
static_assert(sizeof(Outcome::answers) > 2 * kOps);

// Programs of one kind. Of one thread, so that what a malloc keeps for each is not what a failure is blamed on; and of several.
struct Case {
  const char* name;
  std::size_t programs;
  bool has_threads;
  const char* what;
};
constexpr Case kCases[] = {{"ops.programs", 60, false, "aligned, apart, zeroed, contents kept"},
                           {"ops.threads", 40, true, "the same on up to 4 threads, which take turns, end and begin"}};

const Case* case_named(const std::string& name) {
  const Case* const end = std::end(kCases);
  const Case* const found = std::find_if(std::begin(kCases), end, [&](const Case& one) { return name == one.name; });
  return found == end ? nullptr : found;
}

bool is_of_threads(const ops::Op& op) {
  return std::holds_alternative<ops::RunOn>(op) || std::holds_alternative<ops::EndThread>(op);
}

ops::Program program_of(const Case& which, std::uint64_t seed) {
  ops::Vocabulary vocabulary = ops::kForeignVocabulary;
  vocabulary.features.threads = which.has_threads;
  ops::Random random(seed);
  ops::Program program = ops::generate(vocabulary, random, kOps);
  if (!which.has_threads) std::erase_if(program.ops, is_of_threads);  // those drawn in vain
  return program;
}

int list() {
  for (const Case& one : kCases) {
    std::printf("conform\tcase\tops\t%s\tC11 7.22.3\t%zu random programs of %zu calls: %s\t\n", one.name, one.programs,
                kOps, one.what);
  }
  return EXIT_SUCCESS;
}

int run_all(const Case& which) {
  for (std::uint64_t seed = 1; seed <= which.programs; ++seed) {
    const Tried tried = try_program(program_of(which, seed));
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

int replay(unsigned limit, const char* text) {
  const std::variant<ops::Program, ops::TextError> parsed = ops::parse(text);
  if (const auto* const error = std::get_if<ops::TextError>(&parsed)) {
    std::fprintf(stderr, "conform_ops: line %zu: %s\n", error->line, error->what.c_str());
    return 2;
  }
  const Tried tried = try_program(std::get<ops::Program>(parsed), limit);
  std::printf("%s\n%s\n", tried.how.c_str(), tried.outcome.detail);
  return EXIT_SUCCESS;
}

// Where programs are tried alone.
struct Place {
  std::string library;
  unsigned limit;
};

// Both lines of what --replay says of a program there. A process that ends otherwise fails too.
std::string said_of(const ops::Program& program, const Place& place) {
  const tool::Heard heard =
      tool::listen_to_child({"/proc/self/exe", "--replay", std::to_string(place.limit), ops::to_text(program)},
                            {{"LD_PRELOAD", place.library}}, 3 * place.limit);
  if (heard.ended.status == 0) return heard.out;
  return "ended with status " + std::to_string(heard.ended.status) + "\n\n";
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

int shrink(const Place& place, const ops::Program& whole) {
  const std::string how = first_line(said_of(whole, place));
  if (how.empty()) {
    std::fputs("the program does not fail alone\n", stderr);
    return EXIT_FAILURE;
  }
  // Each part that hangs would take as long as the hang.
  const bool is_hang = how.starts_with(kDidNotEnd);
  const auto fails_alike = [&](const ops::Program& part) { return first_line(said_of(part, place)) == how; };
  const ops::Program least = is_hang ? whole : ops::shrink(whole, fails_alike);
  const std::string said = said_of(least, place);
  std::string detail = said.substr(std::min(said.size(), how.size() + 1));
  detail.erase(std::remove(detail.begin(), detail.end(), '\n'), detail.end());
  std::fputs(to_c(least, detail.empty() ? how : how + ": " + detail).c_str(), stdout);
  return EXIT_SUCCESS;
}

ops::Program program_in(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) throw std::runtime_error("cannot read " + path);
  ops::Program program;
  ops::decode(ops::kForeignVocabulary, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, program);
  return program;
}

constexpr const char* kUsage =
    "usage: conform_ops --list | NAME | --replay LIMIT TEXT | --shrink LIBRARY LIMIT (NAME SEED | FILE) | --serve "
    "MEMORY "
    "TURNS LIMIT\n";

int run(int count, char** words) {
  const std::string first = count > 1 ? words[1] : "";
  const auto number = [&](int at) { return static_cast<int>(std::strtol(words[at], nullptr, 10)); };
  const auto limit = [&](int at) { return static_cast<unsigned>(std::max(number(at), 1)); };
  const Case* const named = case_named(count == 6 ? words[4] : first);
  if (count == 2 && first == "--list") return list();
  if (count == 2 && named != nullptr) return run_all(*named);
  if (count == 4 && first == "--replay") return replay(limit(2), words[3]);
  if (count == 6 && first == "--shrink" && named != nullptr)
    return shrink({words[2], limit(3)}, program_of(*named, std::strtoull(words[5], nullptr, 10)));
  if (count == 5 && first == "--shrink") return shrink({words[2], limit(3)}, program_in(words[4]));
  if (count == 5 && first == "--serve") return serve(number(2), number(3), limit(4));
  std::fputs(kUsage, stderr);
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
