// What a piece of code prints on stderr, and how it ends: run in a child, so that an abort is a result like any other.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>

#include "child.hpp"

namespace trestle {

struct Captured {
  std::string text;
  int status = 0;  // as by waitpid
  pid_t pid = 0;
};

template <class Code>
Captured capture_stderr(Code code) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("pipe failed");
  Captured captured;
  captured.pid = fork();
  if (captured.pid < 0) throw std::runtime_error("fork failed");
  if (captured.pid == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    code();
    _exit(0);
  }
  close(ends[1]);
  std::array<char, 4096> piece{};
  for (ssize_t count = 0; (count = read(ends[0], piece.data(), piece.size())) > 0;) {
    captured.text.append(piece.data(), static_cast<std::size_t>(count));
  }
  close(ends[0]);
  waitpid(captured.pid, &captured.status, 0);
  return captured;
}

}  // namespace trestle
