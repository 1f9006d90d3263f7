// Programs run by a process that may be broken, held to what program.hpp states.
#include "os/program.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "child.hpp"

namespace trestle::os {
namespace {

constexpr std::uint64_t kPatience = 60'000'000'000;

std::string output(std::vector<const char*> words, std::uint64_t patience = kPatience, std::size_t room = 4096) {
  words.push_back(nullptr);
  std::string into(room, '\0');
  into.resize(output_of(words.data(), into, patience));
  return into;
}
std::string shell(const char* script) { return output({"/bin/sh", "-c", script}); }

// One more variable of the environment, as long as it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* const now = getenv(name)) before_ = now;
    setenv(name, value, 1);
  }
  ~Variable() { before_.empty() ? unsetenv(name_) : setenv(name_, before_.c_str(), 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::string before_;
};

TEST(Program, ItsOutputIsReadAndItsWordsAreItsArguments) {
  errno = EDOM;
  EXPECT_EQ(output({"/bin/sh", "-c", "echo \"$1 $2\"", "sh", "one two", "three"}), "one two three\n");
  EXPECT_EQ(errno, EDOM);
}

TEST(Program, IsLookedForWithoutATraceInErrno) {
  std::array<char, PATH_MAX> path{};
  errno = EDOM;
  EXPECT_TRUE(find_program("sh", path));
  EXPECT_FALSE(find_program("no-program-is-called-this", path));
  EXPECT_EQ(errno, EDOM);
}

TEST(Program, HasNeitherOurStdinNorOurStderr) {
  EXPECT_EQ(shell("cat; readlink /proc/$$/fd/0 /proc/$$/fd/2"), "/dev/null\n/dev/null\n");
}

TEST(Program, HasNothingOfOurEnvironment) {
  const Variable ours("TRESTLE_TEST_OURS", "here");
  EXPECT_EQ(output({"/usr/bin/env"}), "PATH=/usr/bin:/bin\nLC_ALL=C\n");
}

TEST(Program, GetsNoMorePrivilegesThanOurs) { EXPECT_EQ(shell("grep NoNewPrivs /proc/$$/status"), "NoNewPrivs:\t1\n"); }

TEST(Program, HasNoFilesOfOurs) {
  const int ours = dup2(STDIN_FILENO, 55);
  ASSERT_EQ(ours, 55);
  EXPECT_EQ(shell("if [ -e /proc/self/fd/55 ]; then echo open; else echo closed; fi"), "closed\n");
  close(ours);
}

TEST(Program, IsEndedWhereItFillsTheRoom) {
  EXPECT_EQ(output({"/usr/bin/yes"}, kPatience, 1000).size(), 1000U);
  EXPECT_EQ(waitpid(-1, nullptr, __WALL | WNOHANG), -1) << "it was not waited for";
}

// Until it is, since it ends after the one that it was started by. A zombie has no command line any more.
void expect_gone(const std::string& pid) {
  const auto command_line = [&] {
    std::string line;
    std::getline(std::ifstream("/proc/" + pid + "/cmdline"), line);
    return line;
  };
  while (!command_line().empty()) sched_yield();
}

TEST(Program, IsEndedWhenItTakesTooLong) {
  const std::string pid = output({"/bin/sh", "-c", "echo $$; exec sleep 1000"}, 300'000'000);
  ASSERT_FALSE(pid.empty());
  expect_gone(pid.substr(0, pid.size() - 1));
  EXPECT_EQ(waitpid(-1, nullptr, __WALL | WNOHANG), -1) << "it was not waited for";
}

TEST(Program, IsEndedWhereItClosesItsOutputAndGoesOn) {
  const std::string pid = shell("echo $$; exec >&-; exec sleep 1000");
  ASSERT_FALSE(pid.empty());
  expect_gone(pid.substr(0, pid.size() - 1));
}

TEST(Program, SaysNothingWhereThereIsNone) {
  EXPECT_EQ(output({"/nonexistent/program"}), "");
  EXPECT_EQ(output({"/etc"}), "");
}

TEST(Program, SaysNothingWhereThereIsNoFileFreeForIt) {
  EXPECT_EQ(run_in_child([] {
              const rlimit few{3, 3};
              setrlimit(RLIMIT_NOFILE, &few);
              errno = EDOM;
              return shell("echo here").empty() && errno == EDOM ? 0 : 1;
            }),
            0);
}

// What there was of a pipe is closed again.
TEST(Program, SaysNothingWhereThereIsNoOtherFileForItsOutput) {
  EXPECT_EQ(run_in_child([] {
              close_range(3, ~0U, 0);
              close(STDIN_FILENO);
              const rlimit few{4, 4};  // one below those that a program takes for its own, and one above
              setrlimit(RLIMIT_NOFILE, &few);
              if (!shell("echo here").empty()) return 1;
              return close(0) != 0 && close(3) != 0 ? 0 : 2;
            }),
            0);
}

TEST(Program, SaysNothingWhereTheSystemRefuses) {
  for (const long call : {SYS_clone, SYS_ppoll, SYS_read, SYS_openat}) {
    EXPECT_EQ(run_in_child([&] {
                const int next = dup(STDIN_FILENO);
                close(next);
                if (!(call == SYS_clone ? forbid_processes() : forbid_call(call, SECCOMP_RET_ERRNO | ENOMEM))) return 1;
                errno = EDOM;
                if (!shell("echo here").empty() || errno != EDOM) return 2;
                if (dup(STDIN_FILENO) != next) return 3;
                return waitpid(-1, nullptr, __WALL | WNOHANG) == -1 ? 0 : 4;
              }),
              0)
        << call;
  }
}

// Before Linux 5.9 files are closed one by one.
TEST(Program, HasNoFilesOfOursOnOlderKernels) {
  EXPECT_EQ(run_in_child([] {
              if (dup2(STDIN_FILENO, 55) != 55 || dup2(STDIN_FILENO, 1000) != 1000) return 1;
              if (!forbid_call(SYS_close_range, SECCOMP_RET_ERRNO | ENOSYS)) return 2;
              return shell("ls /proc/self/fd | grep -c -e 55 -e 1000") == "0\n" ? 0 : 3;
            }),
            0);
}

TEST(Program, IsRunWhereStdinStdoutAndStderrAreClosed) {
  EXPECT_EQ(run_in_child([] {
              for (int file = 0; file < 3; ++file) close(file);
              const bool ran = shell("echo here") == "here\n";
              return ran && close(0) != 0 && close(1) != 0 && close(2) != 0 ? 0 : 1;
            }),
            0);
}

// Neither here nor in a process in between, whose count is here too.
int* signals_seen = nullptr;
TEST(Program, EndsWithoutASignal) {
  void* const shared = mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  signals_seen = static_cast<int*>(shared);
  struct sigaction count{};
  struct sigaction before{};
  count.sa_handler = [](int) { ++*signals_seen; };
  ASSERT_EQ(sigaction(SIGCHLD, &count, &before), 0);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(shell("echo here"), "here\n");
  EXPECT_EQ(*signals_seen, 0);
  count.sa_handler = SIG_IGN;
  ASSERT_EQ(sigaction(SIGCHLD, &count, nullptr), 0);
  EXPECT_EQ(shell("echo here"), "here\n");
  sigaction(SIGCHLD, &before, nullptr);
  munmap(shared, sizeof(int));
}

TEST(Program, IsFoundInTheFoldersOfThePath) {
  std::array<char, PATH_MAX> path{};
  {
    const Variable folders("PATH", "::bin:/etc:/nonexistent:/usr/bin");
    ASSERT_TRUE(find_program("env", path));
    EXPECT_STREQ(path.data(), "/usr/bin/env");
    EXPECT_FALSE(find_program("no such program", path));
    EXPECT_FALSE(find_program("group", path)) << "in /etc there is one, which is no program";
    EXPECT_FALSE(find_program("env", std::span(path).first(std::string("/usr/bin/env").size())));
    EXPECT_TRUE(find_program("env", std::span(path).first(std::string("/usr/bin/env").size() + 1)));
  }
  EXPECT_EQ(run_in_child([&] { return unsetenv("PATH") == 0 && find_program("env", path) ? 1 : 0; }), 0);
  const Variable folders("PATH", "bin:./bin:");
  EXPECT_EQ(run_in_child([&] { return chdir("/usr") == 0 && find_program("env", path) ? 1 : 0; }), 0)
      << "no folder of these is the same wherever the program is";
}

}  // namespace
}  // namespace trestle::os
