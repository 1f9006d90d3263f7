//: options sweep=1
//: err trestle: freed blocks are no longer swept: the threads cannot be stopped
//: without fast: freed blocks do not wait for sweeps there
// Where nobody may be traced nothing can be swept: it says so once, after some tries, and what waits stays bounded all the
// same.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "support.h"

enum { SIZE = 1000, ROUNDS = 400000, BOUND = 65 << 20 };

static void* wait_for_ever(void* unused) {
  for (;;) pause();
  return unused;
}
static void forbid_ptrace(void) {
  struct sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {4, filter};
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int main(void) {
  pthread_t thread;
  must(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
  forbid_ptrace();
  must(CALL(trestle_collect)() == SIZE_MAX);
  must(CALL(trestle_leak_check)(NULL, 0) == SIZE_MAX);
  for (int i = 0; i < ROUNDS; ++i) free(hidden(malloc(SIZE)));
  struct trestle_stats stats;
  CALL(trestle_get_stats)(&stats);
  must(stats.retired_bytes != 0 && stats.retired_bytes < BOUND);
  return ok();
}
