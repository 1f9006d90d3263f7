// What `trestle conform` found: a verdict for each case on each library, and the scores that follow from them.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "bench/measurement.hpp"

namespace trestle::tool {

inline constexpr std::array kAreas{"conformance", "ops", "robustness", "misuse"};
inline constexpr const char* kMisuse = "misuse";
inline constexpr const char* kOps = "ops";

// As conform/case.hpp has it.
struct ConformCase {
  std::string area;
  std::string name;
  std::string rule;
  std::string what;
  std::string names;  // of a misuse: the expression that finds its kind in a report
};

// The first four are of cases that a rule decides, the others of misuses.
enum class Verdict { passed, violated, fell_short, absent, named, stopped, survived, damaged, hung };
[[nodiscard]] const char* name_of(Verdict verdict);

struct ConformResult {
  ConformCase about;
  Verdict verdict = Verdict::passed;
  std::string found;  // in words, one line; empty where there is nothing to say
  bool has_address = false;
  bool has_stack = false;
  std::vector<std::pair<std::string, std::string>> choices;  // where the standard leaves more than one answer open
  std::vector<std::string> answers;                          // of ops: what each program was answered
  std::string seed;                                          // of ops that failed: the number of the program
  std::string program;                                       // of ops that failed: a C program that fails alone
};

struct Examined {
  Allocator allocator;
  std::vector<ConformResult> results;
};

struct Examination {
  std::string started;
  std::string version;  // Trestle's
  std::vector<Examined> libraries;
  std::vector<LeftOut> left_out;
};

// Points of an area: a case that a rule decides has one, of which one that fell short has half, and one that is absent does
// not count. A misuse has five: 3 for a report that names its kind, and with that one for the address and one for a stack; 2
// for a process that was stopped without a word that fits; 1 where it went on and nothing else was harmed; 0 otherwise.
struct Score {
  double points = 0;
  double of = 0;
  [[nodiscard]] double percent() const { return of == 0 ? 0 : 100 * points / of; }
};
[[nodiscard]] Score score_of(const Examined& library, const std::string& area);
// The mean of the percentages of the areas that have cases.
[[nodiscard]] double overall_score(const Examined& library);

[[nodiscard]] std::size_t count_of(const Examined& library, const std::string& area, Verdict verdict);
[[nodiscard]] bool has_violation(const Examination& examination);

// A choice that libraries make, and what each makes it; in the order of the libraries, "-" where one says nothing.
struct Choice {
  std::string what;
  std::vector<std::string> answers;
};
[[nodiscard]] std::vector<Choice> choices_of(const Examination& examination);

// Where libraries answered the same op program differently, in words; the first of each library after the first.
[[nodiscard]] std::vector<std::string> differences_of(const Examination& examination);

}  // namespace trestle::tool
