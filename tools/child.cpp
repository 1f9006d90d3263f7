#include "child.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "failure.hpp"

namespace trestle::tool {
namespace {

volatile std::sig_atomic_t forward_to = 0;

// What the kernel sends for a key of the terminal goes to every process there, the child among them. What a process sends,
// as a container's engine does, goes to this one alone.
extern "C" void forward(int signal, siginfo_t* info, void*) {
  const int before = errno;
  const bool is_of_terminal = (signal == SIGINT || signal == SIGQUIT) && info->si_code == SI_KERNEL;
  if (forward_to > 0 && !is_of_terminal) kill(static_cast<pid_t>(forward_to), signal);
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
    sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler == SIG_IGN) return;
    struct sigaction action = {};
    action.sa_sigaction = forward;
    action.sa_flags = SA_RESTART | SA_SIGINFO;
    sigaction(kSignals[i], &action, nullptr);
  }

  sigset_t mask_before_ = {};
  std::array<struct sigaction, kSignals.size()> before_ = {};
};

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

// In the child: becomes the program, or tells through `report` why not. What it calls need not be safe after a fork of
// threads, since this program has one.
[[noreturn]] void become(const std::vector<std::string>& words, const Settings& settings, Streams streams, int report) {
  // Both first, apart from what they may replace: each may be the other's number.
  const int out = fcntl(streams.out, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int err = fcntl(streams.err, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  for (const auto& [name, value] : settings) setenv(name.c_str(), value.c_str(), 1);
  alarm(streams.limit);  // it outlives execvp
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

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// The pid stays the child's until it is reaped, so forwarding ends before that.
Ended await(pid_t child, std::chrono::steady_clock::time_point start) {
  siginfo_t info;
  while (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) != 0) {
    if (errno != EINTR) fail("waiting for the program");
  }
  forward_to = 0;
  int status = 0;
  rusage usage = {};
  while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  Ended ended{.pid = child,
              .status = WEXITSTATUS(status),
              .signal = 0,
              .cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
              .wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
              .peak_rss_kib = usage.ru_maxrss};
  if (WIFSIGNALED(status)) {
    ended.signal = WTERMSIG(status);
    ended.status = kSignalled + ended.signal;
  }
  return ended;
}

// What a child writes, in memory.
class Ear {
 public:
  Ear() : file_(memfd_create("trestle-output", MFD_CLOEXEC)) {
    if (file_ < 0) fail("memfd_create");
  }
  Ear(const Ear&) = delete;
  Ear& operator=(const Ear&) = delete;
  ~Ear() { close(file_); }

  [[nodiscard]] int descriptor() const { return file_; }
  [[nodiscard]] std::string text() const {
    std::string text;
    std::array<char, 4096> part;
    for (;;) {
      const ssize_t got = pread(file_, part.data(), part.size(), static_cast<off_t>(text.size()));
      if (got < 0) fail("reading what a program said");
      if (got == 0) return text;
      text.append(part.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  int file_;
};

}  // namespace

Ended run_child(const std::vector<std::string>& words, const Settings& settings, Streams streams) {
  std::array<int, 2> report{};
  if (pipe2(report.data(), O_CLOEXEC) != 0) fail("pipe");
  const Signals signals;
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    signals.restore();
    become(words, settings, streams, report[1]);
  }
  forward_to = child;
  signals.open();
  close(report[1]);
  const int why = error_from(report[0]);
  const Ended ended = await(child, start);
  if (why == 0) return ended;
  throw Failure(why == ENOENT ? kNotFound : kNotExecutable, "cannot run " + words[0] + ": " + std::strerror(why));
}

Heard listen_to_child(const std::vector<std::string>& words, const Settings& settings, unsigned limit) {
  const Ear out;
  const Ear err;
  const Ended ended = run_child(words, settings, {.out = out.descriptor(), .err = err.descriptor(), .limit = limit});
  return {ended, out.text(), err.text()};
}

void stop_if_asked_to(const Ended& ended, const std::string& command) {
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) {
    if (ended.signal == signal) throw Failure(ended.status, command + ": stopped by a signal; nothing was written");
  }
}

}  // namespace trestle::tool
