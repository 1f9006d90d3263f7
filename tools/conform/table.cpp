#include <algorithm>
#include <iomanip>

#include "bench/svg.hpp"
#include "conform/formats.hpp"

namespace trestle::tool {
namespace {

constexpr int kNumber = 9;

std::string passed_of(const Examined& library, const std::string& area) {
  const Score score = score_of(library, area);
  return score.of == 0 ? "-" : plain(score.points, 1) + "/" + plain(score.of, 0);
}

std::string full_name(const Examined& library) {
  const std::string& version = library.allocator.version;
  return library.allocator.name + (version.empty() ? "" : " " + version);
}

void print_scores(std::ostream& out, const Examination& examination) {
  std::size_t width = 8;
  for (const Examined& library : examination.libraries) width = std::max(width, full_name(library).size() + 2);
  out << std::left << std::setw(static_cast<int>(width)) << "library" << std::right << std::setw(12) << "conformance"
      << std::setw(kNumber) << "ops" << std::setw(12) << "robustness" << std::setw(kNumber) << "misuse"
      << std::setw(kNumber) << "score" << '\n';
  for (const Examined& library : examination.libraries) {
    out << std::left << std::setw(static_cast<int>(width)) << full_name(library) << std::right << std::setw(12)
        << passed_of(library, "conformance") << std::setw(kNumber) << passed_of(library, kOps) << std::setw(12)
        << passed_of(library, "robustness") << std::setw(kNumber) << passed_of(library, kMisuse) << std::setw(kNumber)
        << plain(overall_score(library), 1) << '\n';
  }
}

std::size_t count_if_misused(const Examined& library, bool ConformResult::* has) {
  return static_cast<std::size_t>(std::count_if(library.results.begin(), library.results.end(),
                                                [&](const ConformResult& one) { return one.*has; }));
}

void print_misuses(std::ostream& out, const Examination& examination) {
  constexpr std::array kVerdicts{Verdict::named, Verdict::stopped, Verdict::survived, Verdict::damaged, Verdict::hung};
  out << "\nmisuses" << std::setw(23) << "named" << std::setw(kNumber) << "address" << std::setw(kNumber) << "stack";
  for (std::size_t i = 1; i < kVerdicts.size(); ++i) out << std::setw(kNumber) << name_of(kVerdicts[i]);
  out << '\n';
  for (const Examined& library : examination.libraries) {
    out << std::left << std::setw(21) << library.allocator.name << std::right << std::setw(kNumber)
        << count_of(library, kMisuse, Verdict::named) << std::setw(kNumber)
        << count_if_misused(library, &ConformResult::has_address) << std::setw(kNumber)
        << count_if_misused(library, &ConformResult::has_stack);
    for (std::size_t i = 1; i < kVerdicts.size(); ++i)
      out << std::setw(kNumber) << count_of(library, kMisuse, kVerdicts[i]);
    out << '\n';
  }
}

void print_verdicts(std::ostream& out, const Examination& examination, Verdict verdict, const char* title) {
  bool has_title = false;
  for (const Examined& library : examination.libraries) {
    for (const ConformResult& result : library.results) {
      if (result.verdict != verdict) continue;
      if (!has_title) out << '\n' << title << '\n';
      has_title = true;
      out << "  " << library.allocator.name << ": " << result.about.name << ": " << result.found << " ("
          << result.about.rule << ": " << result.about.what << ")\n";
    }
  }
}

void print_programs(std::ostream& out, const Examination& examination) {
  for (const Examined& library : examination.libraries) {
    for (const ConformResult& result : library.results) {
      if (result.program.empty()) continue;
      out << "\n/* " << library.allocator.name << ": " << result.about.name << " */\n" << result.program;
    }
  }
}

void print_choices(std::ostream& out, const Examination& examination) {
  const std::vector<Choice> choices = choices_of(examination);
  const std::vector<std::string> differences = differences_of(examination);
  if (!choices.empty()) out << "\nchoices that the standards leave open\n";
  for (const Choice& choice : choices) {
    out << "  " << choice.what << ':';
    for (std::size_t i = 0; i < choice.answers.size(); ++i)
      out << (i == 0 ? " " : ", ") << examination.libraries[i].allocator.name << ' ' << choice.answers[i];
    out << '\n';
  }
  if (!differences.empty()) out << "\nanswered differently\n";
  for (const std::string& difference : differences) out << "  " << difference << '\n';
}

}  // namespace

void print_examination(std::ostream& out, const Examination& examination) {
  const auto has_misuses = [](const Examined& library) { return score_of(library, kMisuse).of > 0; };
  print_scores(out, examination);
  if (std::any_of(examination.libraries.begin(), examination.libraries.end(), has_misuses))
    print_misuses(out, examination);
  print_verdicts(out, examination, Verdict::violated, "violations");
  print_verdicts(out, examination, Verdict::fell_short, "fell short");
  print_verdicts(out, examination, Verdict::damaged, "misuses that damaged the heap for correct calls");
  print_verdicts(out, examination, Verdict::hung, "misuses that hung the process");
  print_choices(out, examination);
  print_programs(out, examination);
  for (const LeftOut& one : examination.left_out) out << "left out: " << one.name << ": " << one.why << '\n';
}

}  // namespace trestle::tool
