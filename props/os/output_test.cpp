// What is written to files that block, fail or are full: that it is whole where it can be, and that it neither keeps nor ends
// the process.
#include "os/output.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "child.hpp"
#include "os/faltering_call.hpp"

namespace trestle {
namespace {

constexpr int kKept = 77;  // errno, which none of them changes
constexpr std::uint64_t kMoment = 20'000'000;
constexpr std::uint64_t kLong = 600'000'000'000;  // for what does not take so long
#define HOLDS(condition) \
  if (!(condition)) return __LINE__

// In a child, which an alarm ends if it hangs, and whose answer is the line of the first thing that does not hold, or 0.
template <class Body>
void expect_in_child(Body body) {
  EXPECT_EQ(run_in_child([&] {
              alarm(30);
              errno = kKept;
              const int line = body();
              return line == 0 ? 0 : 100 + line % 100;
            }),
            0)
      << "100 and the line's last two digits; -14: it hangs";
}
bool forbids(long call, int error) { return forbid_call(call, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)); }

// Two ends: what is written to the first comes out of the second.
struct Ends {
  int in = -1;
  int out = -1;

  Ends() = default;
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  ~Ends() {
    close(in);
    close(out);
  }
  // Until nothing more goes in.
  void fill() const {
    const int flags = fcntl(in, F_GETFL);
    fcntl(in, F_SETFL, flags | O_NONBLOCK);
    const std::string page(4096, '\0');
    for (const std::size_t size : {page.size(), std::size_t{1}}) {
      while (write(in, page.data(), size) > 0) continue;
    }
    fcntl(in, F_SETFL, flags);
  }
  [[nodiscard]] std::string read_all() {
    std::string all;
    std::array<char, 4096> piece{};
    for (ssize_t got = 0; (got = read(out, piece.data(), piece.size())) > 0;)
      all.append(piece.data(), static_cast<std::size_t>(got));
    return all;
  }
};
struct Pipe : Ends {
  explicit Pipe(int flags = 0) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) std::abort();
    out = ends[0];
    in = ends[1];
    fcntl(in, F_SETFL, flags);
  }
};
struct Sockets : Ends {
  Sockets() {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) std::abort();
    out = ends[0];
    in = ends[1];
  }
};
struct Terminal : Ends {
  Terminal() {
    out = posix_openpt(O_RDWR | O_NOCTTY);
    if (grantpt(out) != 0 || unlockpt(out) != 0) std::abort();
    std::array<char, 64> name{};
    if (ptsname_r(out, name.data(), name.size()) != 0) std::abort();
    in = open(name.data(), O_RDWR | O_NOCTTY);
  }
};

const std::string& long_text() {
  static const std::string text = [] {
    std::string made;
    for (int i = 0; i < 40000; ++i) made += std::to_string(i) + "\n";
    return made;
  }();
  return text;
}

// That a text comes out whole which there is no room for when it is written.
template <class Made>
int whole_when_read() {
  Made ends;
  std::string got;
  std::thread reader([&] { got = ends.read_all(); });
  errno = kKept;
  const int error = os::write_all(ends.in, long_text(), kLong);
  const bool is_kept = errno == kKept;
  close(ends.in);
  ends.in = -1;
  reader.join();
  std::erase(got, '\r');  // which a terminal adds
  HOLDS(error == 0 && is_kept);
  HOLDS(got == long_text());
  return 0;
}
struct PipeThatDoesNotBlock : Pipe {
  PipeThatDoesNotBlock() : Pipe(O_NONBLOCK) {}
};

TEST(Output, ComesWholeThroughWhatIsReadSlowly) {
  expect_in_child([] { return whole_when_read<Pipe>(); });
  expect_in_child([] { return whole_when_read<PipeThatDoesNotBlock>(); });
  expect_in_child([] { return whole_when_read<Sockets>(); });
  expect_in_child([] { return whole_when_read<Terminal>(); });
}

TEST(Output, ComesWholeWhereThePipeCannotBeOpenedAgain) {
  expect_in_child([] {
    HOLDS(forbids(SYS_openat, EACCES));
    return whole_when_read<Pipe>();
  });
}

// Nobody reads, and what there is no room for waits no longer than it should.
template <class Made>
int stays_outside() {
  Made ends;
  HOLDS(os::write_all(ends.in, long_text(), kMoment) == EAGAIN);  // until it is full
  ends.fill();
  errno = kKept;
  HOLDS(os::write_all(ends.in, std::string_view("x"), kMoment) == EAGAIN);
  HOLDS(os::write_all(ends.in, long_text(), 0) == EAGAIN);
  HOLDS(errno == kKept);
  return 0;
}

TEST(Output, IsGivenUpWhereThereIsNoRoom) {
  expect_in_child([] { return stays_outside<Pipe>(); });
  expect_in_child([] { return stays_outside<PipeThatDoesNotBlock>(); });
  expect_in_child([] { return stays_outside<Sockets>(); });
  expect_in_child([] { return stays_outside<Terminal>(); });
  expect_in_child([] {
    HOLDS(forbids(SYS_openat, EACCES));
    return stays_outside<Pipe>();
  });
}

TEST(Output, WaitsForATerminalThatWasStopped) {
  expect_in_child([] {
    Terminal ends;
    HOLDS(tcflow(ends.in, TCOOFF) == 0);
    HOLDS(os::write_all(ends.in, std::string_view("later"), kMoment) == EAGAIN);
    HOLDS(tcflow(ends.in, TCOON) == 0);
    HOLDS(os::write_all(ends.in, std::string_view("now"), kLong) == 0);
    std::array<char, 16> got{};
    HOLDS(read(ends.out, got.data(), got.size()) == 3 && std::string_view(got.data()) == "now");
    return 0;
  });
}

// The end that a terminal is made from: who opens that again has another terminal.
TEST(Output, GoesToTheOtherEndOfATerminal) {
  expect_in_child([] {
    Terminal ends;
    HOLDS(os::write_all(ends.out, std::string_view("typed\n"), kLong) == 0);
    std::array<char, 16> got{};
    HOLDS(read(ends.in, got.data(), got.size()) == 6 && std::string_view(got.data()) == "typed\n");
    return 0;
  });
}

bool is_pending(int number) {
  sigset_t now;
  sigpending(&now);
  return sigismember(&now, number) == 1;
}
sigset_t only(int number) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  return one;
}
bool is_blocked(int number) {
  sigset_t now;
  pthread_sigmask(SIG_BLOCK, nullptr, &now);
  return sigismember(&now, number) == 1;
}

template <class Made>
int no_signal_of_nobody() {
  Made ends;
  close(ends.out);
  ends.out = -1;
  errno = kKept;
  HOLDS(os::write_all(ends.in, long_text(), kLong) == EPIPE);
  HOLDS(errno == kKept && !is_blocked(SIGPIPE));
  const sigset_t pipe = only(SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  HOLDS(os::write_all(ends.in, long_text(), kLong) == EPIPE);
  HOLDS(!is_pending(SIGPIPE) && is_blocked(SIGPIPE));
  raise(SIGPIPE);  // the program's own
  HOLDS(os::write_all(ends.in, long_text(), kLong) == EPIPE);
  HOLDS(is_pending(SIGPIPE));
  return 0;
}

TEST(Output, SendsNoSignalWhereNobodyReads) {
  expect_in_child([] { return no_signal_of_nobody<Pipe>(); });
  expect_in_child([] { return no_signal_of_nobody<PipeThatDoesNotBlock>(); });
  expect_in_child([] { return no_signal_of_nobody<Sockets>(); });
}

TEST(Output, SendsNoSignalWhereFilesMayNotGrow) {
  expect_in_child([] {
    const int file = memfd_create("output", MFD_CLOEXEC);
    const rlimit most{10, 10};
    HOLDS(setrlimit(RLIMIT_FSIZE, &most) == 0);
    errno = kKept;
    HOLDS(os::write_all(file, long_text(), kLong) == EFBIG);
    HOLDS(errno == kKept && !is_pending(SIGXFSZ) && lseek(file, 0, SEEK_END) == 10);
    return 0;
  });
}

// Once more as one that is written to, the pipe would take a text that nobody sees.
TEST(Output, DoesNotGoIntoTheEndThatIsRead) {
  expect_in_child([] {
    Pipe ends;
    HOLDS(os::write_all(ends.out, std::string_view("lost"), kMoment) == EBADF);
    fcntl(ends.out, F_SETFL, O_NONBLOCK);
    HOLDS(ends.read_all().empty());
    return 0;
  });
}

TEST(Output, GivesUpOnAFileThatTakesNothing) {
  expect_in_child([] {
    constexpr int kClosed = 1000;
    HOLDS(os::write_all(kClosed, std::string_view("nowhere")) == EBADF);
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    HOLDS(os::write_all(full, std::string_view("nowhere")) == ENOSPC);
    HOLDS(forbids(SYS_write, 0));
    HOLDS(os::write_all(full, std::string_view("nowhere")) == EIO);
    return 0;
  });
}

// A call that fails so, or writes a byte, three times.
int whole_though(long call, int error) {
  Pipe ends(O_NONBLOCK);
  HOLDS(falter(call, 3, error));
  errno = kKept;
  HOLDS(os::write_all(ends.in, std::string_view("pieces"), kLong) == 0);
  HOLDS(errno == kKept && Faltering::calls >= 4);
  std::array<char, 16> got{};
  HOLDS(read(ends.out, got.data(), got.size()) == 6 && std::string_view(got.data()) == "pieces");
  return 0;
}

TEST(Output, ComesWholeByHalvesAndAcrossSignals) {
  for (const int error : {EINTR, EAGAIN, 0}) expect_in_child([&] { return whole_though(SYS_write, error); });
  expect_in_child([] { return whole_though(SYS_ppoll, EINTR); });
}

TEST(Output, IsGivenUpWhereThereIsRoomThatNobodyGets) {
  expect_in_child([] {
    Pipe ends;
    HOLDS(forbids(SYS_write, EAGAIN));
    HOLDS(os::write_all(ends.in, std::string_view("nothing"), kMoment) == EAGAIN);
    return 0;
  });
}

TEST(Output, IsTriedWhereItCannotBeAskedForRoom) {
  expect_in_child([] {
    HOLDS(forbids(SYS_ppoll, ENOSYS));
    Pipe ends;
    HOLDS(os::write_all(ends.in, std::string_view("all"), kMoment) == 0);
    ends.fill();
    HOLDS(os::write_all(ends.in, std::string_view("all"), kMoment) == EAGAIN);
    return 0;
  });
}

std::string content_of(int file) {
  std::array<char, 256> text{};
  const ssize_t length = pread(file, text.data(), text.size(), 0);
  return {text.data(), static_cast<std::size_t>(length)};
}

TEST(Output, IsAppendedByWholeLinesAndTheFileIsCreated) {
  std::string path = testing::TempDir() + "trestle_append_XXXXXX";
  close(mkstemp(path.data()));
  unlink(path.c_str());
  EXPECT_EQ(os::append_to_file(path.c_str(), std::string_view("one\n")), 0);
  EXPECT_EQ(os::append_to_file(path.c_str(), std::string_view("two\n")), 0);
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  unlink(path.c_str());
  EXPECT_EQ(content_of(file), "one\ntwo\n");
  close(file);
}

TEST(Output, ThatCannotBeAppendedSaysWhy) {
  const std::string fifo = testing::TempDir() + "trestle_fifo_" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  expect_in_child([&] {
    const std::string_view text = "x";
    errno = kKept;
    HOLDS(os::append_to_file(fifo.c_str(), text) == ENXIO);
    HOLDS(os::append_to_file("/nonexistent/folder/file", text) == ENOENT);
    HOLDS(os::append_to_file("/dev/full", text) == ENOSPC);
    HOLDS(errno == kKept);
    return 0;
  });
  unlink(fifo.c_str());
  EXPECT_EQ(os::reason_for(ENXIO), "nobody reads it");
  EXPECT_EQ(os::reason_for(ENOENT), "the system refuses it");
  EXPECT_EQ(os::reason_for(ENOSPC), "the disk is full");
  EXPECT_EQ(os::reason_for(EFBIG), "it is as long as a file may be");
  EXPECT_EQ(os::reason_for(EAGAIN), "it takes no more");
}

// Else the alarm comes before they are through.
TEST(Output, WaitsOnceForAStderrThatTakesNothing) {
  expect_in_child([] {
    Pipe ends;
    ends.fill();
    HOLDS(dup2(ends.in, STDERR_FILENO) == STDERR_FILENO);
    for (int i = 0; i < 100; ++i) os::write_to_stderr(std::string_view("nothing\n"));
    std::array<char, 65536> before{};
    HOLDS(read(ends.out, before.data(), before.size()) == 65536);
    os::write_to_stderr(std::string_view("once more\n"));
    HOLDS(read(ends.out, before.data(), before.size()) == 10);
    return 0;
  });
}

TEST(Output, GoesToAStderrThatIsAnotherSince) {
  expect_in_child([] {
    os::remember_stderr();
    const int file = memfd_create("log", MFD_CLOEXEC);
    HOLDS(dup2(file, STDERR_FILENO) == STDERR_FILENO);
    os::write_to_stderr(std::string_view("told"));
    HOLDS(content_of(file) == "told");
    return 0;
  });
}

TEST(Output, SparesAFileThatHasTakenThePlaceOfStderr) {
  expect_in_child([] {
    os::remember_stderr();
    const int file = memfd_create("own", MFD_CLOEXEC);
    HOLDS(dup3(file, STDERR_FILENO, O_CLOEXEC) == STDERR_FILENO);
    os::write_to_stderr(std::string_view("told"));
    HOLDS(content_of(file).empty());
    os::remember_stderr();
    os::write_to_stderr(std::string_view("told"));
    HOLDS(content_of(file) == "told");
    return 0;
  });
  expect_in_child([] {
    const int file = memfd_create("own", MFD_CLOEXEC);
    close(STDERR_FILENO);
    os::remember_stderr();
    os::write_to_stderr(std::string_view("told"));
    HOLDS(dup2(file, STDERR_FILENO) == STDERR_FILENO);
    os::write_to_stderr(std::string_view("told"));
    HOLDS(content_of(file).empty());
    return 0;
  });
}

}  // namespace
}  // namespace trestle
