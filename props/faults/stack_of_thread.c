//: options unwind_tables=1
//: fault debug: double free in free(GIVEN)
//: frames freed: release release_in_thread
//: frames allocated: allocate allocate_in_thread
//: without fast hardened: they keep no stacks of small blocks
// The stacks of threads are known without a call of the system, which is refused to them here; also after many threads that were
// made, or could not be.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "fault.h"

static char* block;
__attribute__((noinline)) static void allocate(volatile int* depth) {
  block = hidden(malloc(100));
  *depth += 1;
}
__attribute__((noinline)) static void release(volatile int* depth) {
  free(hidden(block));
  *depth += 1;
}
// In the calling thread.
static void forbid_reading(void) {
  struct sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void* allocate_in_thread(void* depth) {
  forbid_reading();
  print(STDOUT_FILENO, "allocated %d\n", (int)gettid());
  allocate(depth);
  return depth;
}
static void* release_in_thread(void* depth) {
  forbid_reading();
  print(STDOUT_FILENO, "freed %d\n", (int)gettid());
  release(depth);
  return depth;
}
static void in_thread(void* (*body)(void*)) {
  pthread_t thread;
  int depth = 0;
  must(pthread_create(&thread, NULL, body, &depth) == 0 && pthread_join(thread, NULL) == 0 && depth == 1);
}

static void* do_nothing(void* depth) {
  ++*(int*)depth;
  return depth;
}
static void succeed_often(void) {
  for (int i = 0; i < 1000; ++i) in_thread(do_nothing);
}
static void fail_often(void) {
  pthread_t thread;
  pthread_attr_t attributes;
  must(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, (size_t)1 << 47) == 0);
  for (int i = 0; i < 1000; ++i) must(pthread_create(&thread, &attributes, allocate_in_thread, NULL) == EAGAIN);
}

int main(void) {
  succeed_often();
  fail_often();
  in_thread(allocate_in_thread);
  in_thread(release_in_thread);
  give(block);
  about_freed(block, 100);
  free(hidden(block));
  return 0;
}
