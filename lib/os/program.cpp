#include "os/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/string.hpp"
#include "os/linux_os.hpp"

namespace trestle::os {
namespace {

constexpr int kFirstFree = 3;  // below lie stdin, stdout and stderr, also where they are closed
constexpr std::uint64_t kNsPerMs = 1'000'000;

// The child's environment, made there, where nobody else is. What does not fit is left out.
std::array<char*, 4096> environment_of_child{};

char** make_environment() noexcept {
  std::size_t count = 0;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (begins_with(text, "LD_PRELOAD=") || begins_with(text, "TRESTLE_OPTIONS=")) continue;
    if (count + 1 < environment_of_child.size()) environment_of_child[count++] = *entry;
  }
  environment_of_child[count] = nullptr;
  return environment_of_child.data();
}

// fork, but that it calls no handlers, takes no lock of the C library's, and that its child ends without a signal.
long clone_process() noexcept { return syscall(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr); }

[[noreturn]] void keep(const char* const* words, int output) noexcept {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDWR);
  dup2(null, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(null, STDERR_FILENO);
  syscall(SYS_close_range, kFirstFree, ~0U, 0);
  const pid_t keeper = process_id();
  // A program that was started ends with a signal to its parent, so that is a process between it and ours, with which it ends.
  const long program = clone_process();
  if (program != 0) {
    close(STDOUT_FILENO);
    while (program > 0 && waitpid(static_cast<pid_t>(program), nullptr, __WALL) < 0 && errno == EINTR) {
    }
    _exit(0);
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (syscall(SYS_getppid) != keeper) _exit(0);  // it had ended before
  execve(words[0], const_cast<char* const*>(words), make_environment());
  constexpr int kNotStarted = 127;
  _exit(kNotStarted);
}

// Two ends of a pipe, neither of them one that the program takes for stdin, stdout or stderr.
bool make_pipe(std::array<int, 2>& ends) noexcept {
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  for (int& end : ends) {
    if (end >= kFirstFree) continue;
    const int moved = fcntl(end, F_DUPFD_CLOEXEC, kFirstFree);
    close(end);
    end = moved;
  }
  if (ends[0] >= 0 && ends[1] >= 0) return true;
  for (const int end : ends) {
    if (end >= 0) close(end);
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
    const std::uint64_t left = (deadline - now) / kNsPerMs + 1;
    const int ready = poll(&waiting, 1, left < INT_MAX ? static_cast<int>(left) : INT_MAX);
    if (ready < 0 && errno != EINTR) break;
    if (ready <= 0) continue;
    const ssize_t more = read(file, into.data() + got, into.size() - got);
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
  if (make_pipe(ends)) {
    const long child = clone_process();
    if (child == 0) keep(words, ends[1]);
    close(ends[1]);
    if (child > 0) {
      got = read_until(ends[0], into, now_ns() + patience_ns);
      kill(static_cast<pid_t>(child), SIGKILL);
      while (waitpid(static_cast<pid_t>(child), nullptr, __WALL) < 0 && errno == EINTR) {
      }
    }
    close(ends[0]);
  }
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
