// Runs what may die, or what limits its process, in a child.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>

extern "C" int __llvm_profile_write_file() __attribute__((weak));  // in builds for coverage

namespace trestle {

// As _exit, but what the child has reached counts.
[[noreturn]] inline void end_child(int status) {
  if (&__llvm_profile_write_file != nullptr) (void)__llvm_profile_write_file();
  _exit(status);
}

// Runs `body`, which returns an exit code, in a forked child. Returns the child's exit code, or minus the signal it died of.
template <class Body>
[[nodiscard]] int run_in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    std::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would turn the signal into an exit
    std::signal(SIGBUS, SIG_DFL);
    end_child(body());
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return 127;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

// From now on this process's calls of that number fail so (SECCOMP_RET_...).
[[nodiscard]] inline bool forbid_call(long number, std::uint32_t action) {
  std::array<sock_filter, 4> filter{{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1),
                                     BPF_STMT(BPF_RET | BPF_K, action), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
  const sock_fprog program{filter.size(), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
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
