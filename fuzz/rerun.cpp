#include "rerun.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace trestle::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kSeconds = 5;  // of the processor; an input takes milliseconds

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

// What stands between `before` and the first of `ends` in the report; empty where `before` does not.
std::string between(const std::string& report, const std::string& before, const char* ends) {
  const std::size_t at = report.find(before);
  if (at == std::string::npos) return {};
  const std::size_t first = at + before.size();
  const std::size_t last = report.find_first_of(ends, first);
  return report.substr(first, last == std::string::npos ? last : last - first);
}

[[noreturn]] void become(const fs::path& target, const fs::path& input, const fs::path& report) {
  const int out = open(report.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (out < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0) _exit(125);
  // A hang is a failure as well. The limit holds where libFuzzer has taken the alarm for itself; the alarm ends what sleeps.
  const rlimit limit{kSeconds, kSeconds + 1};
  setrlimit(RLIMIT_CPU, &limit);
  alarm(4 * kSeconds);
  execl(target.c_str(), target.c_str(), input.c_str(), nullptr);
  _exit(125);
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

std::string failure_in(const std::string& report, int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  for (const char* const before : {"ERROR: AddressSanitizer: ", "runtime error: ", "ERROR: libFuzzer: timeout"}) {
    if (report.find(before) == std::string::npos) continue;
    const std::string what = between(report, before, " \n");
    return std::string(before).substr(0, std::string(before).find_last_not_of(": ") + 1) + " " + what;
  }
  if (const std::string what = between(report, "ERROR: ", "(\n"); !what.empty())
    return what.substr(0, what.find_last_not_of(' ') + 1);
  if (WIFSIGNALED(status)) return std::string("signal ") + strsignal(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

Rerun::Rerun(fs::path target) : target_(std::move(target)) {
  if (access(target_.c_str(), X_OK) != 0) fail(target_.string());
  std::string folder = (fs::temp_directory_path() / "trestle-ops-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) fail(folder);
  folder_ = folder;
}
Rerun::~Rerun() {
  std::error_code unseen;
  fs::remove_all(folder_, unseen);
}

std::string Rerun::failure_of(const std::vector<std::uint8_t>& bytes) const {
  const fs::path input = folder_ / "input";
  const fs::path report = folder_ / "report";
  std::ofstream out(input, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) fail(input.string());
  const pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) become(target_, input, report);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 125) throw std::runtime_error("cannot run " + target_.string());
  return failure_in(text_of(report), status);
}

}  // namespace trestle::fuzz
