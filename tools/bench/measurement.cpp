#include "bench/measurement.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include "failure.hpp"

namespace trestle::tool {
namespace {

// FNV-1a of 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
class Hash {
 public:
  void add(std::string_view text) {
    for (const char letter : text) state_ = (state_ ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
  }
  [[nodiscard]] std::string text() const {
    std::ostringstream hex;
    hex << std::hex << state_;
    return hex.str();
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

// What is left of a line must be nothing.
template <class... T>
void read_words(std::string_view line, T&... values) {
  std::istringstream words{std::string(line)};
  std::string key;
  std::string rest;
  words >> key;
  if ((words >> ... >> values) && !(words >> rest)) return;
  throw Failure(kOwnFailure, "a workload said what is no " + key + ": " + std::string(line));
}

void read_line(std::string_view line, Run& run, Hash& answer) {
  if (line.starts_with("figure ")) {
    std::string name;
    double value = 0;
    read_words(line, name, value);
    run.figures[name] = value;
  } else if (line.starts_with("rss ")) {
    Sample sample;
    read_words(line, sample.milliseconds, sample.kib);
    run.resident.push_back(sample);
  } else {
    answer.add(line);
    answer.add("\n");
  }
}

// The text behind "KEY...: " in a file of such lines; empty where there is none.
std::string value_in(const char* path, std::string_view key, char separator) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t at = line.find(separator);
    if (!line.starts_with(key) || at == std::string::npos) continue;
    const std::size_t start = line.find_first_not_of(" \t\"", at + 1);
    return start == std::string::npos ? "" : line.substr(start, line.find_last_not_of('"') + 1 - start);
  }
  return "";
}

}  // namespace

void read_said(std::string_view said, Run& run) {
  Hash answer;
  while (!said.empty()) {
    const std::size_t end = std::min(said.find('\n'), said.size());
    read_line(said.substr(0, end), run, answer);
    said.remove_prefix(std::min(end + 1, said.size()));
  }
  run.answer = answer.text();
}

Machine this_machine() {
  utsname kernel = {};
  uname(&kernel);
  Machine machine;
  machine.processor = value_in("/proc/cpuinfo", "model name", ':');
  machine.kernel = std::string(kernel.sysname) + " " + kernel.release;
  machine.system = value_in("/etc/os-release", "PRETTY_NAME", '=');
  machine.cores = static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN));
  machine.memory_gib = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE)) /
                       static_cast<double>(1U << 30);
  if (getloadavg(&machine.load_before, 1) != 1) machine.load_before = 0;
  return machine;
}

std::string now_as_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace trestle::tool
