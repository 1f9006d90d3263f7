#include "os/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/string.hpp"
#include "os/linux_os.hpp"
#include "os/uncancelled.hpp"

namespace trestle::os {
namespace {

constexpr int kFirstFree = 3;  // below lie stdin, stdout and stderr, also where they are closed
constexpr std::uint64_t kNsPerS = 1'000'000'000;
constexpr int kNotStarted = 127;

// All that the program has. Ours may lie in the heap that was found broken, and may have it load libraries or ask the network.
constexpr std::array<const char*, 3> kEnvironment{"PATH=/usr/bin:/bin", "LC_ALL=C", nullptr};

// No handler of ours runs in the child, where all signals but a sandbox's are blocked, nor in the program.
void forget_handlers() noexcept {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Before Linux 5.9 one by one, as many as most processes may have.
void close_others() noexcept {
  constexpr int kMany = 4096;
  if (syscall(SYS_close_range, kFirstFree, ~0U, 0) == 0) return;
  for (int file = kFirstFree; file < kMany; ++file) close_file(file);
}

// fork, but that it calls no handlers, takes no lock of the C library's, that its child ends without a signal, and that no
// debugger takes it for a thread of ours.
long clone_process() noexcept { return syscall(SYS_clone, CLONE_UNTRACED, nullptr, nullptr, nullptr, nullptr); }

[[noreturn]] void keep(const char* const* words, int output) noexcept {
  const int null = open_file("/dev/null", O_RDWR);
  if (null < 0) _exit(kNotStarted);
  dup2(null, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(null, STDERR_FILENO);
  close_others();
  const pid_t keeper = process_id();
  // A program that was started ends with a signal to its parent, so that is a process between it and ours, with which it ends.
  const long program = clone_process();
  if (program != 0) {
    close_file(STDOUT_FILENO);
    while (program > 0 && await_child(static_cast<pid_t>(program), __WALL) < 0 && errno == EINTR) {
    }
    _exit(0);
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (syscall(SYS_getppid) != keeper) _exit(0);  // it had ended before
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  forget_handlers();
  execve(words[0], const_cast<char* const*>(words), const_cast<char* const*>(kEnvironment.data()));
  _exit(kNotStarted);
}

// Two ends of a pipe, neither of them one that the program takes for stdin, stdout or stderr.
bool make_pipe(std::array<int, 2>& ends) noexcept {
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  for (int& end : ends) {
    if (end >= kFirstFree) continue;
    const int moved = fcntl(end, F_DUPFD_CLOEXEC, kFirstFree);
    close_file(end);
    end = moved;
  }
  if (ends[0] >= 0 && ends[1] >= 0) return true;
  for (const int end : ends) {
    if (end >= 0) close_file(end);
  }
  return false;
}

// Until the other end is closed, the room is full, or the time is over.
std::size_t read_until(int file, std::span<char> into, std::uint64_t deadline) noexcept {
  std::size_t got = 0;
  while (got < into.size()) {
    const std::uint64_t now = now_ns();
    if (now >= deadline) break;
    pollfd waiting{.fd = file, .events = POLLIN, .revents = 0};
    const std::uint64_t left = deadline - now;
    const int ready = await_file(waiting, {static_cast<time_t>(left / kNsPerS), static_cast<long>(left % kNsPerS)});
    if (ready < 0 && errno != EINTR) break;
    if (ready <= 0) continue;
    const ssize_t more = read_file(file, into.data() + got, into.size() - got);
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) break;
    got += static_cast<std::size_t>(more);
  }
  return got;
}

}  // namespace

std::size_t output_of(const char* const* words, std::span<char> into, std::uint64_t patience_ns) noexcept {
  const int kept = errno;
  std::array<int, 2> ends{-1, -1};
  std::size_t got = 0;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigdelset(&all, SIGSYS);  // by which a sandbox may answer the calls below
  sigprocmask(SIG_SETMASK, &all, &before);
  if (make_pipe(ends)) {
    const long child = clone_process();
    if (child == 0) keep(words, ends[1]);
    close_file(ends[1]);
    if (child > 0) {
      got = read_until(ends[0], into, now_ns() + patience_ns);
      kill(static_cast<pid_t>(child), SIGKILL);
      while (await_child(static_cast<pid_t>(child), __WALL) < 0 && errno == EINTR) {
      }
    }
    close_file(ends[0]);
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  errno = kept;
  return got;
}

bool find_program(const char* name, std::span<char> path) noexcept {
  const char* const folders = secure_getenv("PATH");
  if (folders == nullptr) return false;
  const int kept = errno;
  const std::string_view wanted = name;
  bool found = false;
  for (std::string_view rest = folders; !found && !rest.empty();) {
    const std::string_view folder = before(rest, ':');
    rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    // An empty or relative folder depends on where the program happens to be.
    if (!folder.starts_with('/') || folder.size() + 1 + wanted.size() >= path.size()) continue;
    std::memcpy(path.data(), folder.data(), folder.size());
    path[folder.size()] = '/';
    std::memcpy(path.data() + folder.size() + 1, wanted.data(), wanted.size());
    path[folder.size() + 1 + wanted.size()] = '\0';
    found = access(path.data(), X_OK) == 0;
  }
  errno = kept;
  return found;
}

}  // namespace trestle::os
