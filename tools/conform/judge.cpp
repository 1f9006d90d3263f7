#include "conform/judge.hpp"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstring>
#include <regex>
#include <sstream>

#include "failure.hpp"

namespace trestle::tool {
namespace {

constexpr const char* kMark = "conform";

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::size_t start = 0;
  for (std::size_t tab = line.find('\t'); tab != std::string::npos; tab = line.find('\t', start)) {
    fields.push_back(line.substr(start, tab - start));
    start = tab + 1;
  }
  fields.push_back(line.substr(start));
  return fields;
}

// The lines of a program of ours, as their fields behind the mark; a library may print between them.
std::vector<std::vector<std::string>> told_by(const std::string& said) {
  std::vector<std::vector<std::string>> told;
  std::istringstream lines(said);
  for (std::string line; std::getline(lines, line);) {
    std::vector<std::string> fields = fields_of(line);
    if (fields.size() < 2 || fields[0] != kMark) continue;
    fields.erase(fields.begin());
    told.push_back(std::move(fields));
  }
  return told;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream all(text);
  for (std::string line; std::getline(all, line);) {
    if (!line.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

// Whether the text holds the address in hexadecimal digits, with or without zeros in front, and not as part of a longer one.
bool tells_address(const std::string& text, const std::string& address) {
  const auto is_digit = [&](std::size_t at) {
    return at < text.size() && std::isxdigit(static_cast<unsigned char>(text[at])) != 0;
  };
  const std::string digits = address.starts_with("0x") ? address.substr(2) : address;
  for (std::size_t at = text.find(digits); at != std::string::npos; at = text.find(digits, at + 1)) {
    std::size_t before = at;
    while (before > 0 && text[before - 1] == '0') --before;
    if (!is_digit(at + digits.size()) && (before == 0 || !is_digit(before - 1))) return true;
  }
  return false;
}

bool has_frame(const std::vector<std::string>& lines) {
  return std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    const std::size_t first = line.find_first_not_of(' ');
    return first != std::string::npos && line.compare(first, 3, "#0 ") == 0;
  });
}

std::string ending_of(const Heard& heard, unsigned limit) {
  if (heard.ended.signal == SIGALRM) return "did not end within " + std::to_string(limit) + " s";
  if (heard.ended.signal != 0) return "ended by " + std::string(strsignal(heard.ended.signal));
  return "ended with status " + std::to_string(heard.ended.status);
}

// Where no case told a verdict: how it ended, and what was said last.
std::string ending_with_words(const Heard& heard, unsigned limit) {
  const std::vector<std::string> lines = lines_of(heard.err);
  return ending_of(heard, limit) + (lines.empty() ? "" : ": " + lines.front());
}

void judge_by_rule(ConformResult& result, const std::string& verdict, const Heard& heard, unsigned limit) {
  if (verdict == "absent") {
    result.verdict = Verdict::absent;
  } else if (verdict == "violated") {
    result.verdict = Verdict::violated;
  } else if (verdict.empty() || heard.ended.status != 0) {
    result.verdict = Verdict::violated;
    result.found = ending_with_words(heard, limit);
  } else {
    result.verdict = verdict == "short" ? Verdict::fell_short : Verdict::passed;
  }
}

// A report counts wherever it comes: some are told when the process ends well.
void judge_misuse(ConformResult& result, const std::string& verdict, const Heard& heard, unsigned limit,
                  const std::vector<std::string>& addresses) {
  const std::vector<std::string> lines = lines_of(heard.err);
  const std::regex names(result.about.names, std::regex::extended | std::regex::icase);
  const auto naming =
      std::find_if(lines.begin(), lines.end(), [&](const std::string& line) { return std::regex_search(line, names); });
  if (naming != lines.end()) {
    result.verdict = Verdict::named;
    result.found = *naming;
    result.has_stack = has_frame(lines);
    result.has_address = std::any_of(addresses.begin(), addresses.end(),
                                     [&](const std::string& one) { return tells_address(heard.err, one); });
  } else if (heard.ended.signal == SIGALRM) {
    result.verdict = Verdict::hung;
    result.found = ending_of(heard, limit);
  } else if (verdict == "violated") {
    result.verdict = Verdict::damaged;
  } else if (verdict.empty() || heard.ended.status != 0) {
    result.verdict = Verdict::stopped;
    result.found = ending_with_words(heard, limit);
  } else {
    result.verdict = Verdict::survived;
  }
}

}  // namespace

std::vector<ConformCase> parse_cases(const std::string& said) {
  std::vector<ConformCase> cases;
  for (const std::vector<std::string>& fields : told_by(said)) {
    if (fields.size() != 6 || fields[0] != "case") throw Failure(kOwnFailure, "conform: no case: " + fields[0]);
    cases.push_back({fields[1], fields[2], fields[3], fields[4], fields[5]});
  }
  return cases;
}

ConformResult judge(const ConformCase& about, const Heard& heard, unsigned limit) {
  ConformResult result;
  result.about = about;
  std::string verdict;
  std::vector<std::string> addresses;
  for (const std::vector<std::string>& fields : told_by(heard.out)) {
    const std::string& word = fields[0];
    if (word == "about" && fields.size() == 2) {
      addresses.push_back(fields[1]);
    } else if (word == "choice" && fields.size() == 3) {
      result.choices.emplace_back(fields[1], fields[2]);
    } else if (word == "answers" && fields.size() == 2) {
      result.answers.push_back(fields[1]);
    } else if (word == "seed" && fields.size() == 2) {
      result.seed = fields[1];
    } else if (word == "passed" || word == "violated" || word == "short" || word == "absent") {
      verdict = word;
      result.found = fields.size() > 1 ? fields[1] : "";
    }
  }
  if (about.area == kMisuse) {
    judge_misuse(result, verdict, heard, limit, addresses);
  } else {
    judge_by_rule(result, verdict, heard, limit);
  }
  return result;
}

}  // namespace trestle::tool
