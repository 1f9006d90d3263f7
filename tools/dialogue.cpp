#include "dialogue.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "failure.hpp"

namespace trestle::tool {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kLongestAnswer = std::size_t{4} << 20;

// This program's, but for the language.
std::vector<char*> environment_in_c() {
  static std::array<char, 9> language{"LC_ALL=C"};
  std::vector<char*> all;
  for (char** at = environ; *at != nullptr; ++at) {
    if (std::strncmp(*at, "LC_ALL=", 7) != 0) all.push_back(*at);
  }
  all.push_back(language.data());
  all.push_back(nullptr);
  return all;
}

// 0, or the error that kept it from starting.
int spawn(pid_t& program, const std::vector<std::string>& words, int stream) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, stream, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, stream, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int why =
      posix_spawn(&program, words[0].c_str(), &actions, nullptr, arguments.data(), environment_in_c().data());
  posix_spawn_file_actions_destroy(&actions);
  return why;
}

bool wait_for(int stream, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd waiting{.fd = stream, .events = POLLIN, .revents = 0};
    const int ready = poll(&waiting, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace

Dialogue::Dialogue(const std::vector<std::string>& words) {
  // A socket, since writing to one whose other end is closed can do without a signal.
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw Failure(kNotExecutable, "cannot talk to " + words[0] + ": " + std::strerror(errno));
  stream_ = ends[0];
  const int why = spawn(program_, words, ends[1]);
  close(ends[1]);
  if (why == 0) return;
  close(stream_);
  throw Failure(why == ENOENT ? kNotFound : kNotExecutable, "cannot run " + words[0] + ": " + std::strerror(why));
}

Dialogue::~Dialogue() { stop(); }

std::string Dialogue::ask(std::string_view question, milliseconds patience,
                          const std::function<bool(std::string_view)>& is_whole) {
  std::string answer;
  if (!trouble_.empty()) return answer;
  const Clock::time_point deadline = Clock::now() + patience;
  // What it does not take is not waited for: a question is shorter than what a socket holds.
  (void)!send(stream_, question.data(), question.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  std::array<char, 65536> part;
  while (!is_whole(answer)) {
    if (!wait_for(stream_, deadline)) {
      is_late_ = true;
      give_up("did not answer within " + std::to_string(patience.count() / 1000) + " s");
      return answer;
    }
    const ssize_t got = recv(stream_, part.data(), part.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      end_of_output();
      return answer;
    }
    answer.append(part.data(), static_cast<std::size_t>(got));
    if (answer.size() > kLongestAnswer) {
      give_up("said too much");
      return answer;
    }
  }
  return answer;
}

void Dialogue::end_of_output() {
  // It is about to end, or will not: then it is ended here.
  for (int tries = 0; tries < 50 && program_ > 0; ++tries) {
    if (waitpid(program_, &status_, WNOHANG) == program_) {
      program_ = -1;
      break;
    }
    poll(nullptr, 0, 10);
  }
  if (program_ > 0) return give_up("closed its output");
  if (WIFSIGNALED(status_)) return give_up(std::string("was killed: ") + strsignal(WTERMSIG(status_)));
  give_up("ended with status " + std::to_string(WEXITSTATUS(status_)));
}

void Dialogue::give_up(std::string why) {
  stop();
  trouble_ = std::move(why);
}

void Dialogue::stop() {
  if (stream_ >= 0) close(stream_);
  stream_ = -1;
  if (program_ <= 0) return;
  kill(program_, SIGKILL);
  while (waitpid(program_, &status_, 0) < 0 && errno == EINTR) {
  }
  program_ = -1;
}

}  // namespace trestle::tool
