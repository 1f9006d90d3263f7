#include "rounds.hpp"

#include <regex>
#include <sstream>

#include "failure.hpp"

namespace trestle::tool {
namespace {

// Each with a space behind it.
std::string without_seed(const std::string& parameters) {
  std::istringstream words(parameters);
  std::string kept;
  for (std::string word; words >> word;) {
    if (!word.starts_with("seed=")) kept += word + ' ';
  }
  return kept;
}

}  // namespace

std::string parameters_with_seed(const std::string& parameters, std::uint64_t seed) {
  return without_seed(parameters) + "seed=" + std::to_string(seed);
}

// A case's size depends on max_success and max_size, so that the same seed with others is another round.
std::string repeat_command(const std::string& parameters, std::uint64_t seed, const std::string& pattern) {
  std::string kept = without_seed(parameters);
  if (!kept.empty()) kept.pop_back();
  return (kept.empty() ? "" : "RC_PARAMS=" + quoted(kept) + ' ') + "trestle props --seed " + std::to_string(seed) +
         (pattern.empty() ? "" : " -R " + quoted(pattern));
}

std::vector<std::string> parse_test_list(const std::string& told) {
  std::vector<std::string> names;
  std::string suite;
  std::istringstream lines(told);
  for (std::string line; std::getline(lines, line);) {
    line.resize(std::min(line.find('#'), line.size()));  // what a parameter's value is
    line.resize(line.find_last_not_of(' ') + 1);
    if (line.starts_with("  ")) {
      names.push_back(suite + line.substr(2));
    } else if (line.ends_with('.')) {
      suite = line;
    }
  }
  return names;
}

bool has_match(const std::string& name, const std::string& pattern) {
  try {
    return std::regex_search(name, std::regex(pattern, std::regex::extended));
  } catch (const std::regex_error& error) {
    throw Failure(kUsage, "not a regular expression: " + pattern + ": " + error.what());
  }
}

std::vector<std::string> matching(const std::vector<std::string>& names, const std::string& pattern) {
  std::vector<std::string> found;
  for (const std::string& name : names) {
    if (has_match(name, pattern)) found.push_back(name);
  }
  if (found.empty()) throw Failure(kUsage, "no test's name matches " + pattern);
  return found;
}

std::string filter_for(const std::vector<std::string>& names) {
  std::string filter = "--gtest_filter=";
  for (const std::string& name : names) filter += name + ':';
  return filter;
}

std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char letter : word) text += letter == '\'' ? "'\\''" : std::string(1, letter);
  return text + '\'';
}

}  // namespace trestle::tool
