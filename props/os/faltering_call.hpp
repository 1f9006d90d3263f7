// A system call that fails or falls short the first few times, and works from then on. Seccomp sends such calls to a handler,
// which makes them itself, or does not: for what goes on after a signal, or after fewer bytes than were asked for.
#pragma once

#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>

#include "child.hpp"

namespace trestle {

struct Faltering {
  static constexpr std::uint32_t kOurs = 0x7E57'CA11;  // the last argument of those that the handler makes, which pass
  static inline long number = 0;
  static inline int times = 0;  // how often it still falters
  static inline int error = 0;  // how: 0, one byte only
  static inline int calls = 0;

#if defined(__x86_64__)
  static long argument(const mcontext_t& of, int index) {
    constexpr int kRegisters[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8};
    return of.gregs[kRegisters[index]];
  }
  static void answer(mcontext_t& to, long value) { to.gregs[REG_RAX] = value; }
#else
  static long argument(const mcontext_t& of, int index) { return static_cast<long>(of.regs[index]); }
  static void answer(mcontext_t& to, long value) { to.regs[0] = static_cast<unsigned long long>(value); }
#endif

  static void handle(int, siginfo_t*, void* context) {
    mcontext_t& at = static_cast<ucontext_t*>(context)->uc_mcontext;
    ++calls;
    const bool falters = times > 0;
    if (falters) --times;
    if (falters && error != 0) return answer(at, -error);
    constexpr int kBytes = 2;  // of read and write, how many
    const long bytes = falters ? 1 : argument(at, kBytes);
    const long result =
        syscall(number, argument(at, 0), argument(at, 1), bytes, argument(at, 3), argument(at, 4), kOurs);
    answer(at, result < 0 ? -errno : result);
  }
};

// From now on this process's next `times` calls of that number fail with `error`, or, where that is 0, read or write a byte.
[[nodiscard]] inline bool falter(long number, int times, int error) {
  Faltering::number = number;
  Faltering::times = times;
  Faltering::error = error;
  Faltering::calls = 0;
  struct sigaction action{};
  action.sa_sigaction = Faltering::handle;
  action.sa_flags = SA_SIGINFO;
  if (sigaction(SIGSYS, &action, nullptr) != 0) return false;
  constexpr auto kLast = static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 5 * sizeof(std::uint64_t));
  return filter_calls<6>(
      {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kLast), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, Faltering::kOurs, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}});
}

}  // namespace trestle
