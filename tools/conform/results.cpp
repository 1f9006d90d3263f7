#include "conform/results.hpp"

#include <algorithm>

namespace trestle::tool {
namespace {

bool is_of(const ConformResult& result, const std::string& area) { return result.about.area == area; }

Score score_of(const ConformResult& result) {
  switch (result.verdict) {
    case Verdict::passed:
      return {1, 1};
    case Verdict::violated:
      return {0, 1};
    case Verdict::fell_short:
      return {0.5, 1};
    case Verdict::absent:
      return {0, 0};
    case Verdict::named:
      return {3.0 + (result.has_address ? 1 : 0) + (result.has_stack ? 1 : 0), 5};
    case Verdict::stopped:
      return {2, 5};
    case Verdict::survived:
      return {1, 5};
    case Verdict::damaged:
    case Verdict::hung:
      return {0, 5};
  }
  return {};
}

const ConformResult* find(const Examined& library, const std::string& name) {
  const auto found = std::find_if(library.results.begin(), library.results.end(),
                                  [&](const ConformResult& one) { return one.about.name == name; });
  return found == library.results.end() ? nullptr : &*found;
}

std::string answer_of(const ConformResult* result, const std::string& what) {
  if (result == nullptr) return "-";
  for (const auto& [asked, answer] : result->choices) {
    if (asked == what) return answer;
  }
  return "-";
}

// The first program that two libraries answered differently, and how many; empty where they agree.
std::string difference_between(const Examined& one, const Examined& other, const ConformResult& mine,
                               const ConformResult& theirs) {
  const std::size_t programs = std::min(mine.answers.size(), theirs.answers.size());
  std::size_t differing = 0;
  std::string first;
  for (std::size_t i = 0; i < programs; ++i) {
    if (mine.answers[i] == theirs.answers[i]) continue;
    if (++differing == 1)
      first = one.allocator.name + " said \"" + mine.answers[i] + "\" and " + other.allocator.name + " \"" +
              theirs.answers[i] + "\"";
  }
  if (differing == 0) return "";
  return mine.about.name + ": " + std::to_string(differing) + " of " + std::to_string(programs) +
         " programs; of the first, " + first;
}

}  // namespace

const char* name_of(Verdict verdict) {
  constexpr std::array kNames{"passed",  "violated", "fell short", "absent", "named",
                              "stopped", "survived", "damaged",    "hung"};
  static_assert(kNames.size() == static_cast<std::size_t>(Verdict::hung) + 1);
  return kNames[static_cast<std::size_t>(verdict)];
}

Score score_of(const Examined& library, const std::string& area) {
  Score sum;
  for (const ConformResult& result : library.results) {
    if (!is_of(result, area)) continue;
    const Score one = score_of(result);
    sum.points += one.points;
    sum.of += one.of;
  }
  return sum;
}

double overall_score(const Examined& library) {
  double percents = 0;
  std::size_t areas = 0;
  for (const char* const area : kAreas) {
    const Score score = score_of(library, area);
    if (score.of == 0) continue;
    percents += score.percent();
    ++areas;
  }
  return areas == 0 ? 0 : percents / static_cast<double>(areas);
}

std::size_t count_of(const Examined& library, const std::string& area, Verdict verdict) {
  return static_cast<std::size_t>(
      std::count_if(library.results.begin(), library.results.end(),
                    [&](const ConformResult& one) { return is_of(one, area) && one.verdict == verdict; }));
}

bool has_violation(const Examination& examination) {
  return std::any_of(examination.libraries.begin(), examination.libraries.end(), [](const Examined& library) {
    return std::any_of(library.results.begin(), library.results.end(),
                       [](const ConformResult& one) { return one.verdict == Verdict::violated; });
  });
}

std::vector<Choice> choices_of(const Examination& examination) {
  std::vector<Choice> choices;
  for (const Examined& library : examination.libraries) {
    for (const ConformResult& result : library.results) {
      for (const auto& asked : result.choices) {
        const auto is_known = [&](const Choice& one) { return one.what == asked.first; };
        if (std::any_of(choices.begin(), choices.end(), is_known)) continue;
        Choice choice{asked.first, {}};
        for (const Examined& each : examination.libraries)
          choice.answers.push_back(answer_of(find(each, result.about.name), asked.first));
        choices.push_back(std::move(choice));
      }
    }
  }
  return choices;
}

std::vector<std::string> differences_of(const Examination& examination) {
  std::vector<std::string> told;
  for (std::size_t i = 1; i < examination.libraries.size(); ++i) {
    const Examined& first = examination.libraries[0];
    for (const ConformResult& result : first.results) {
      const ConformResult* const other = find(examination.libraries[i], result.about.name);
      if (other == nullptr) continue;
      const std::string difference = difference_between(first, examination.libraries[i], result, *other);
      if (!difference.empty()) told.push_back(difference);
    }
  }
  return told;
}

}  // namespace trestle::tool
