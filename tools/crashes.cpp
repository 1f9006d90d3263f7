#include "crashes.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <system_error>

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kFrames = 3;

bool starts_with_any(const std::string& text, std::initializer_list<const char*> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](const char* beginning) { return text.starts_with(beginning); });
}

// What a report's first line names, up to the first number, address or detail.
std::string named_in(const std::string& rest) {
  const std::size_t end = std::min({rest.find(" on "), rest.find('('), rest.find_first_of("0123456789"), rest.size()});
  const std::size_t last = rest.find_last_not_of(" ,:", end == 0 ? 0 : end - 1);
  return rest.substr(0, last == std::string::npos ? 0 : last + 1);
}

std::string what_of(const std::string& report) {
  for (const std::string before : {"ERROR: ", "runtime error: "}) {
    const std::size_t at = report.find(before);
    if (at == std::string::npos) continue;
    const std::size_t first = at + before.size();
    return named_in(report.substr(first, report.find('\n', first) - first));
  }
  return "";
}

// The function of a frame, or its offset in the object where no symbolizer told it; empty where the line is no frame.
std::string function_of(const std::string& line) {
  const std::size_t number = line.find_first_not_of(' ');
  if (number == std::string::npos || line[number] != '#') return "";
  if (const std::size_t in = line.find(" in "); in != std::string::npos)
    return line.substr(in + 4, line.find_first_of(" (", in + 4) - in - 4);
  const std::size_t object = line.rfind('/', line.find("+0x"));
  return object == std::string::npos ? "" : line.substr(object + 1, line.find(')', object) - object - 1);
}

// Those of the first stack, from the first that is no part of how a process dies, to the harness's own entry.
std::vector<std::string> frames_of(const std::string& report) {
  std::istringstream lines(report);
  std::vector<std::string> frames;
  bool in_stack = false;
  for (std::string line; frames.size() < kFrames && std::getline(lines, line);) {
    const std::string function = function_of(line);
    if (function.empty() && in_stack) break;
    in_stack = !function.empty();
    if (function == "LLVMFuzzerTestOneInput" || function.starts_with("fuzzer::Fuzzer::ExecuteCallback")) break;
    if (!in_stack ||
        starts_with_any(function, {"__", "raise", "gsignal", "abort", "pthread_kill", "libc.so", "fuzzer::"}))
      continue;
    frames.push_back(function);
  }
  return frames;
}

std::size_t size_of(const fs::path& input) {
  std::error_code unseen;
  const std::uintmax_t size = fs::file_size(input, unseen);
  return unseen ? 0 : size;
}

}  // namespace

Signature signature_of(const std::string& report, int status) {
  if (status == 0) return {};
  const std::string what = what_of(report);
  return {what.empty() ? "exit status " + std::to_string(status) : what, frames_of(report)};
}

std::string text_of(const Signature& signature) {
  if (signature.what.empty()) return "it does not fail again";
  std::string text = signature.what;
  for (std::size_t i = 0; i < signature.frames.size(); ++i) text += (i == 0 ? " in " : " < ") + signature.frames[i];
  return text;
}

std::string slug_of(const Signature& signature) {
  std::string slug;
  for (const char letter : signature.what) {
    const auto byte = static_cast<unsigned char>(letter);
    if (std::isalnum(byte) != 0) {
      slug += static_cast<char>(std::tolower(byte));
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug.empty() ? "input" : slug;
}

std::vector<CrashGroup> grouped(const std::vector<fs::path>& inputs,
                                const std::function<Signature(const fs::path&)>& signature_of_input) {
  std::vector<CrashGroup> groups;
  for (const fs::path& input : inputs) {
    Signature signature = signature_of_input(input);
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const CrashGroup& group) {
      return !signature.what.empty() && group.signature == signature;
    });
    if (same == groups.end()) {
      groups.push_back({std::move(signature), {input}});
    } else {
      same->inputs.push_back(input);
    }
  }
  for (CrashGroup& group : groups)
    std::sort(group.inputs.begin(), group.inputs.end(), [](const fs::path& one, const fs::path& other) {
      return std::pair(size_of(one), one) < std::pair(size_of(other), other);
    });
  return groups;
}

}  // namespace trestle::tool
