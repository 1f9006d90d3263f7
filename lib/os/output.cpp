#include "os/output.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <string_view>

#include "os/keep_errno.hpp"
#include "os/linux_os.hpp"
#include "os/uncancelled.hpp"

namespace trestle::os {
namespace {

constexpr std::uint64_t kNsPerS = 1'000'000'000;

// The signals that a write sends to its own thread, or to all of a process in the background, wait meanwhile; what one has sent
// is taken back.
class OwnSignals {
 public:
  OwnSignals() noexcept {
    sigset_t ours;
    sigemptyset(&ours);
    for (const int number : {SIGPIPE, SIGXFSZ, SIGTTOU}) sigaddset(&ours, number);
    pthread_sigmask(SIG_BLOCK, &ours, &before_);
    sigpending(&pending_);
  }
  ~OwnSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  OwnSignals(const OwnSignals&) = delete;
  OwnSignals& operator=(const OwnSignals&) = delete;

  // Of a write that has failed so. One that waited before is the program's, and cannot be told from ours.
  void take_back(int error) const noexcept {
    const int number = error == EPIPE ? SIGPIPE : SIGXFSZ;
    if ((error != EPIPE && error != EFBIG) || sigismember(&pending_, number) == 1) return;
    constexpr long kBytesOfSet = 8;  // as the kernel has them
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    const timespec none{};
    syscall(SYS_rt_sigtimedwait, &one, nullptr, &none, kBytesOfSet);
  }

 private:
  sigset_t before_{};
  sigset_t pending_{};
};

bool is_terminal(int file) noexcept {
  int number = 0;
  return isatty(file) == 1 && ioctl(file, TIOCGPTN, &number) != 0;  // the other end opens as another terminal
}

// The same pipe or terminal once more: that it does not block is then nobody's matter but ours. -1: it cannot be opened.
int reopened(int file) noexcept {
  constexpr std::string_view kFolder = "/proc/thread-self/fd/";
  constexpr std::size_t kDigits = 11;
  std::array<char, kFolder.size() + kDigits + 1> path{};
  char* const number = std::copy(kFolder.begin(), kFolder.end(), path.data());
  std::to_chars(number, number + kDigits, file);
  return open_file(path.data(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

// A file as one that does not block where it says that it has room. Where a pipe or terminal cannot be had so, pieces are
// written that an empty page of a pipe has room for.
class Outlet {
 public:
  explicit Outlet(int file) noexcept : given_(file), file_(file) {
    struct stat what{};
    if (fstat(file, &what) != 0) return;
    is_socket_ = S_ISSOCK(what.st_mode);
    const bool may_block = S_ISFIFO(what.st_mode) || (S_ISCHR(what.st_mode) && is_terminal(file));
    const int flags = fcntl(file, F_GETFL);
    is_only_read_ = (flags & O_ACCMODE) == O_RDONLY;
    if (!may_block || (flags & O_NONBLOCK) != 0 || is_only_read_) return;
    const int own = reopened(file);
    if (own >= 0)
      file_ = own;
    else
      most_ = PIPE_BUF;
  }
  ~Outlet() {
    if (file_ != given_) close_file(file_);
  }
  Outlet(const Outlet&) = delete;
  Outlet& operator=(const Outlet&) = delete;

  [[nodiscard]] bool is_only_read() const noexcept { return is_only_read_; }
  // As write.
  [[nodiscard]] ssize_t take(std::span<const char> text) const noexcept {
    if (is_socket_) return send_at_once(file_, text.data(), text.size());
    return write_file(file_, text.data(), std::min(text.size(), most_));
  }
  // False: it has had none until the deadline. After that, it is only asked.
  [[nodiscard]] bool has_room(std::uint64_t deadline) const noexcept {
    for (;;) {
      const std::uint64_t now = now_ns();
      const std::uint64_t left = now < deadline ? deadline - now : 0;
      pollfd waiting{.fd = file_, .events = POLLOUT, .revents = 0};
      const int ready = await_file(waiting, {static_cast<time_t>(left / kNsPerS), static_cast<long>(left % kNsPerS)});
      if (ready >= 0) return ready > 0;
      if (errno != EINTR) return true;  // who may not ask has to try
    }
  }

 private:
  int given_;
  int file_;
  bool is_socket_ = false;
  bool is_only_read_ = false;
  std::size_t most_ = SIZE_MAX;
};

// Which have not taken a text whole, the last time.
constinit std::atomic<bool> is_stderr_stuck{false};
constinit std::atomic<bool> is_appending_stuck{false};

int write_patiently(int file, std::span<const char> text, std::atomic<bool>& is_stuck) noexcept {
  const std::uint64_t patience = is_stuck.load(std::memory_order_relaxed) ? 0 : kOutputPatienceNs;
  const int error = write_all(file, text, patience);
  is_stuck.store(error == EAGAIN, std::memory_order_relaxed);
  return error;
}

struct StderrAtStart {
  bool is_known = false;
  bool is_open = false;
  dev_t device = 0;
  ino_t inode = 0;
};
constinit StderrAtStart at_start{};

bool is_stderr_there() noexcept {
  struct stat now{};
  if (!at_start.is_known) return true;
  if (!at_start.is_open || fstat(STDERR_FILENO, &now) != 0) return false;
  if (now.st_dev == at_start.device && now.st_ino == at_start.inode) return true;
  return (fcntl(STDERR_FILENO, F_GETFD) & FD_CLOEXEC) == 0;
}

}  // namespace

int write_all(int file, std::span<const char> text, std::uint64_t patience_ns) noexcept {
  const KeepErrno keep;
  const OwnSignals signals;
  const Outlet outlet(file);
  if (outlet.is_only_read()) return EBADF;  // it would never say that it has room
  const std::uint64_t deadline = now_ns() + patience_ns;
  while (!text.empty()) {
    if (!outlet.has_room(deadline)) return EAGAIN;
    const ssize_t written = outlet.take(text);
    if (written == 0) return EIO;
    if (written > 0) {
      text = text.subspan(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN && now_ns() < deadline) {
      sleep_a_little();  // what it had room for, another has written
    } else if (errno != EINTR) {
      const int error = errno;
      signals.take_back(error);
      return error;
    }
  }
  return 0;
}

int append_to_file(const char* path, std::span<const char> text) noexcept {
  const KeepErrno keep;
  constexpr int kHow = O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  const int file = open_file(path, kHow, 0600);
  if (file < 0) return errno;
  const int error = write_patiently(file, text, is_appending_stuck);
  close_file(file);
  return error;
}

std::string_view reason_for(int error) noexcept {
  switch (error) {
    case EAGAIN:
      return "it takes no more";
    case EFBIG:
      return "it is as long as a file may be";
    case ENOSPC:
    case EDQUOT:
      return "the disk is full";
    case ENXIO:
    case EPIPE:
      return "nobody reads it";
    default:
      return "the system refuses it";
  }
}

void remember_stderr() noexcept {
  const KeepErrno keep;
  struct stat now{};
  at_start.is_open = fstat(STDERR_FILENO, &now) == 0;
  at_start.device = now.st_dev;
  at_start.inode = now.st_ino;
  at_start.is_known = true;
}

void write_to_stderr(std::span<const char> text) noexcept {
  const KeepErrno keep;
  if (is_stderr_there()) write_patiently(STDERR_FILENO, text, is_stderr_stuck);
}

}  // namespace trestle::os
