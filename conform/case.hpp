// A case: one question put to whatever malloc a process has, with the rule that says what the answer must be. Each runs in a
// process of its own, so that a crash or a hang is the answer of one case and of no other. What it tells, a line each that
// begins with "conform" and a tab, is all that `trestle conform` reads of it.
#pragma once

#include <cstddef>

namespace trestle::conform {

struct Case {
  const char* area;  // "conformance", "misuse" or "robustness"
  const char* name;  // what is asked, dot, which answer is the right one
  const char* rule;  // who says so: a standard's paragraph or a manual's page; of a misuse, what makes it one
  const char* what;  // the right answer in words; of a misuse, the mistake
  void (*run)();
  const char* names = "";  // of a misuse: the extended regular expression that finds its kind in a report
};

// Each file's cases, for the program's main.
struct Cases {
  const Case* first;
  std::size_t count;
};
extern const Cases kStartCases;
extern const Cases kMallocCases;
extern const Cases kReallocCases;
extern const Cases kAlignedCases;
extern const Cases kNewCases;
extern const Cases kProcessCases;
extern const Cases kMisuseCases;
extern const Cases kRobustnessCases;

// The rule is broken, and this is what was found. Ends the process.
[[noreturn]] void violate(const char* format, ...) __attribute__((format(printf, 1, 2)));
// No rule is broken, but less is done than could be. Ends the process.
[[noreturn]] void fall_short(const char* format, ...) __attribute__((format(printf, 1, 2)));
// The library does not offer what the case asks about. Ends the process.
[[noreturn]] void leave_out(const char* why);
// The answer, where the standard leaves more than one open.
void choose(const char* what, const char* answer);
// The address that a report of the misuse has to name, told before the mistake.
void about(const volatile void* address);
// The case is passed. Ends the process without its exit handlers; for a case that ends elsewhere than in its function.
[[noreturn]] void pass();

inline void require(bool holds, const char* what) {
  if (!holds) violate("%s", what);
}

}  // namespace trestle::conform
