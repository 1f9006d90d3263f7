#include "child.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "failure.hpp"

namespace trestle::tool {
namespace {

volatile std::sig_atomic_t forward_to = 0;

extern "C" void forward(int signal) {
  const int before = errno;
  if (forward_to > 0) kill(static_cast<pid_t>(forward_to), signal);
  errno = before;
}

// While one lives, signals are dealt with as run_child says; `restore` is for the child, which inherits what was before.
// The signals are blocked until `open`, so that none comes while there is no child yet to forward it to.
class Signals {
 public:
  Signals() {
    sigset_t ours;
    sigemptyset(&ours);
    for (const int signal : kSignals) sigaddset(&ours, signal);
    sigprocmask(SIG_BLOCK, &ours, &mask_before_);
    for (std::size_t i = 0; i < kSignals.size(); ++i) take_over(i);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() { restore(); }

  void open() const { sigprocmask(SIG_SETMASK, &mask_before_, nullptr); }
  void restore() const {
    for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
    open();
  }

 private:
  static constexpr std::array kSignals{SIGINT, SIGQUIT, SIGTERM, SIGHUP};

  // A signal that was ignored stays ignored, as nohup means it.
  void take_over(std::size_t i) {
    const bool is_from_terminal = kSignals[i] == SIGINT || kSignals[i] == SIGQUIT;
    sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler == SIG_IGN) return;
    struct sigaction action = {};
    action.sa_handler = is_from_terminal ? SIG_IGN : forward;
    action.sa_flags = SA_RESTART;
    sigaction(kSignals[i], &action, nullptr);
  }

  sigset_t mask_before_ = {};
  std::array<struct sigaction, kSignals.size()> before_ = {};
};

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

// In the child: becomes the program, or tells through `report` why not. What it calls need not be safe after a fork of
// threads, since this program has one.
[[noreturn]] void become(const std::vector<std::string>& words, const Settings& settings, int report) {
  for (const auto& [name, value] : settings) setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  const int why = errno;
  [[maybe_unused]] const ssize_t written = write(report, &why, sizeof why);
  _exit(kOwnFailure);
}

// 0 when the child became the program; else the error that kept it from that.
int error_from(int report) {
  int why = 0;
  ssize_t got;
  do got = read(report, &why, sizeof why);
  while (got < 0 && errno == EINTR);
  close(report);
  return got == sizeof why ? why : 0;
}

// The pid stays the child's until it is reaped, so forwarding ends before that.
Ended await(pid_t child) {
  siginfo_t info;
  while (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) != 0) {
    if (errno != EINTR) fail("waiting for the program");
  }
  forward_to = 0;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return {child, kSignalled + WTERMSIG(status), WTERMSIG(status)};
  return {child, WEXITSTATUS(status), 0};
}

}  // namespace

Ended run_child(const std::vector<std::string>& words, const Settings& settings) {
  std::array<int, 2> report{};
  if (pipe2(report.data(), O_CLOEXEC) != 0) fail("pipe");
  const Signals signals;
  const pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    signals.restore();
    become(words, settings, report[1]);
  }
  forward_to = child;
  signals.open();
  close(report[1]);
  const int why = error_from(report[0]);
  const Ended ended = await(child);
  if (why == 0) return ended;
  throw Failure(why == ENOENT ? kNotFound : kNotExecutable, "cannot run " + words[0] + ": " + std::strerror(why));
}

}  // namespace trestle::tool
