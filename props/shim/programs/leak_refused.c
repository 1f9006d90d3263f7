//: options leak_check=1
//: err trestle: leaks were not looked for: the threads cannot be stopped
//: summary leaks_searched=0
//: summary leaked_blocks=0
// A program that cannot be searched for leaks says so when it ends, and nothing of leaks.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "support.h"

static void* wait_for_ever(void* unused) {
  for (;;) pause();
  return unused;
}

__attribute__((noinline)) static void lose(void) { hidden(malloc(1000))[0] = 1; }

int main(void) {
  struct sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const struct sock_fprog program = {4, filter};
  pthread_t thread;
  must(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
  lose();
  forget();
  return ok();
}
