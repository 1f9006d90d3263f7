// Runs what may die, or what limits its process, in a child.
#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>

namespace trestle {

// Runs `body`, which returns an exit code, in a forked child. Returns the child's exit code, or minus the signal it died of.
template <class Body>
[[nodiscard]] int run_in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    std::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would turn the signal into an exit
    std::signal(SIGBUS, SIG_DFL);
    _exit(body());
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return 127;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

[[nodiscard]] inline bool is_readable(const volatile std::byte* at) {
  return run_in_child([&] { return std::to_integer<int>(*at) & 0; }) == 0;
}
[[nodiscard]] inline bool kills_reader(const volatile std::byte* at) {
  return run_in_child([&] { return std::to_integer<int>(*at) & 0; }) == -SIGSEGV;
}
[[nodiscard]] inline bool kills_writer(volatile std::byte* at) {
  return run_in_child([&] {
           *at = std::byte{1};
           return 0;
         }) == -SIGSEGV;
}

}  // namespace trestle
