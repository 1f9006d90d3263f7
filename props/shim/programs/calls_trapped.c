// In a sandbox that answers calls of the system by a signal, SIGSYS, which its handler makes an error of: such a signal is never
// kept waiting, which would end the process, where others are.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "support.h"

static volatile sig_atomic_t trapped;

static void refuse(int number, siginfo_t* info, void* context) {
  (void)number;
  (void)info;
  ucontext_t* const at = context;
#if defined(__x86_64__)
  at->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
  at->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#endif
  ++trapped;
}

static void be_in_a_sandbox(void) {
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = refuse;
  must(sigaction(SIGSYS, &action, NULL) == 0);
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void* use(void* gate) {
  free(hidden(malloc(100)));  // so that it has a cache, for which others wait
  must(pthread_barrier_wait(gate) <= 0);
  must(pthread_barrier_wait(gate) <= 0);
  return NULL;
}

int main(void) {
  pthread_barrier_t gate;
  must(pthread_barrier_init(&gate, NULL, 2) == 0);
  pthread_t other;
  must(pthread_create(&other, NULL, use, &gate) == 0);
  must(pthread_barrier_wait(&gate) <= 0);
  be_in_a_sandbox();
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  must(trapped != 0);
  malloc_trim(0);
  (void)CALL(trestle_collect)();
  must(pthread_barrier_wait(&gate) <= 0);
  must(pthread_join(other, NULL) == 0);
  return ok();
}
