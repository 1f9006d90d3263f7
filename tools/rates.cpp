#include "rates.hpp"

#include <algorithm>
#include <charconv>

#include "failure.hpp"

namespace trestle::tool {

std::uint64_t statistic(const std::string& said, std::string_view name) {
  const std::string key = "stat::" + std::string(name) + ":";
  const std::size_t at = said.rfind(key);
  const std::size_t start = at == std::string::npos ? at : said.find_first_not_of(' ', at + key.size());
  std::uint64_t value = 0;
  if (start != std::string::npos) {
    const auto [end, error] = std::from_chars(said.data() + start, said.data() + said.size(), value);
    if (error == std::errc{}) return value;
  }
  throw Failure(kOwnFailure, "the target told no " + key + " its last words were:\n" +
                                 said.substr(said.size() - std::min<std::size_t>(said.size(), 2000)));
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace trestle::tool
