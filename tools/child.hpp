// Starting another program in this one's place in the terminal, and waiting for it.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace trestle::tool {

struct Ended {
  pid_t pid;
  int status;          // as a shell gives it: 128 and the signal's number where a signal killed it
  int signal;          // 0: it exited
  double cpu_seconds;  // of it and of the children that it waited for
  double wall_seconds;
  long peak_rss_kib;  // the highest of it and of the children that it waited for
};

// The descriptors that the child has as its output, ours where nothing is said, and how long it may talk.
struct Streams {
  int out = 1;
  int err = 2;
  unsigned limit = 0;  // seconds after which SIGALRM ends the program; 0: none
};

using Settings = std::vector<std::pair<std::string, std::string>>;

// Runs words[0], searched for in PATH, with `settings` put into its environment, and waits for its end. Meanwhile SIGTERM,
// SIGHUP, SIGINT and SIGQUIT go on to it, but for the last two from a terminal, which sends them to both. Throws Failure when
// it cannot be started: kNotFound or kNotExecutable.
[[nodiscard]] Ended run_child(const std::vector<std::string>& words, const Settings& settings, Streams streams = {});

struct Heard {
  Ended ended;
  std::string out;
  std::string err;
};

// The same, with what the child said instead of showing it. After `limit` seconds SIGALRM ends a program that does not handle
// it; 0: no limit.
[[nodiscard]] Heard listen_to_child(const std::vector<std::string>& words, const Settings& settings,
                                    unsigned limit = 0);

// A signal that a person or a job's end sends is meant for all that `command` does, and went on to the child. Throws Failure
// where one ended it.
void stop_if_asked_to(const Ended& ended, const std::string& command);

}  // namespace trestle::tool
