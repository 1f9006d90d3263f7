#include "targets.hpp"

#include <algorithm>
#include <fstream>
#include <system_error>

#include "failure.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

Target parse_line(const std::string& line, std::size_t number) {
  const std::size_t first = line.find('\t');
  const std::size_t second = first == std::string::npos ? first : line.find('\t', first + 1);
  if (first == 0 || second == std::string::npos || second + 1 == line.size()) {
    throw Failure(kOwnFailure, "list of fuzz targets, line " + std::to_string(number) +
                                   ": not a name, a kind and a description: " + line);
  }
  Target target{line.substr(0, first), line.substr(first + 1, second - first - 1), line.substr(second + 1)};
  if (target.kind != "ops" && target.kind != "bytes") {
    throw Failure(kOwnFailure, "list of fuzz targets, line " + std::to_string(number) + ": kind '" + target.kind +
                                   "' of " + target.name + " is neither ops nor bytes");
  }
  return target;
}

}  // namespace

std::vector<Target> parse_targets(std::istream& lines) {
  std::vector<Target> targets;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) targets.push_back(parse_line(line, ++number));
  return targets;
}

std::vector<Target> read_targets(const fs::path& directory) {
  const fs::path path = directory / "targets.txt";
  std::ifstream file(path);
  if (!file) throw Failure(kOwnFailure, "no list of fuzz targets: cannot read " + path.string());
  return parse_targets(file);
}

const Target& target_named(const std::vector<Target>& targets, const std::string& name) {
  const auto found = std::find_if(targets.begin(), targets.end(), [&](const Target& t) { return t.name == name; });
  if (found != targets.end()) return *found;
  std::string known;
  for (const Target& target : targets) known += ' ' + target.name;
  throw Failure(kUsage, "fuzz: unknown target '" + name + "'; there are:" + known);
}

std::vector<std::string> base_options(const Target& target) {
  // An input takes milliseconds: one that takes seconds hangs.
  std::vector<std::string> options{"-print_final_stats=1", "-timeout=20"};
  if (target.takes_ops()) options.insert(options.end(), {"-len_control=0", "-max_len=512", "-entropic=0"});
  return options;
}

std::vector<std::string> seeds_of(const Target& target, const fs::path& seeds) {
  std::vector<std::string> there;
  for (const char* const kind : {"corpus", "regressions"}) {
    const fs::path directory = seeds / kind / target.name;
    std::error_code unseen;
    if (fs::is_directory(directory, unseen)) there.push_back(directory.string());
  }
  return there;
}

}  // namespace trestle::tool
