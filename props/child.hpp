// Runs what may die, or what limits its process, in a child.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>

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

template <std::size_t N>
[[nodiscard]] bool filter_calls(std::array<sock_filter, N> filter) {
  const sock_fprog program{filter.size(), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// From now on this process's calls of that number fail so (SECCOMP_RET_...).
[[nodiscard]] inline bool forbid_call(long number, std::uint32_t action) {
  return filter_calls<4>({{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1),
                           BPF_STMT(BPF_RET | BPF_K, action), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}});
}

// Those whose argument of that index, from 0, has `value` in its lower half.
[[nodiscard]] inline bool forbid_call_with(long number, std::size_t index, std::uint32_t value, std::uint32_t action) {
  const auto argument = static_cast<std::uint32_t>(offsetof(seccomp_data, args) + index * sizeof(std::uint64_t));
  return filter_calls<6>(
      {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}});
}

// It can make no process. Nor end one: whoever takes the -1 that it gets for the number of a process would end them all.
[[nodiscard]] inline bool forbid_processes() {
  return forbid_call(SYS_kill, SECCOMP_RET_KILL_PROCESS) && forbid_call(SYS_clone, SECCOMP_RET_ERRNO | EAGAIN);
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
