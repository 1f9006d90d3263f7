//: options sweep=1
//: summaries 9
//: without fast: freed blocks do not wait for sweeps there
// Sweeps go on in the child of a fork while another thread was at work on one, on threads with the shortest stacks, and where a
// lock of the C library is held; and errno is as it was.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

#include "support.h"

enum { SIZE = 250000, ROUNDS = 1200, FORKS = 8, BOUND = 50 << 20 };

static void churn(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    errno = 42;
    free(hidden(malloc(SIZE)));
    must(errno == 42);
  }
}
static void must_be_swept(void) {
  churn(ROUNDS);
  struct trestle_stats stats;
  CALL(trestle_get_stats)(&stats);
  must(stats.retired_bytes < BOUND);
}

static volatile int is_over;
static void* churn_on(void* unused) {
  while (!is_over) churn(1);
  return unused;
}
static void fork_while_they_are_made(void) {
  pthread_t thread;
  must(pthread_create(&thread, NULL, churn_on, NULL) == 0);
  for (int i = 0; i < FORKS; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      must_be_swept();
      _exit(0);
    }
    int status = 0;
    must(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  is_over = 1;
  must(pthread_join(thread, NULL) == 0);
}

static void* sweep_here(void* unused) {
  must_be_swept();
  return unused;
}
static void sweep_on_a_short_stack(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  must(pthread_attr_init(&attributes) == 0);
  must(pthread_attr_setstacksize(&attributes, (size_t)sysconf(_SC_THREAD_STACK_MIN)) == 0);
  must(pthread_create(&thread, &attributes, sweep_here, NULL) == 0);
  must(pthread_join(thread, NULL) == 0);
}

/* The C library frees what it had while it has a lock, which asking for the default attributes takes as well. */
static void set_default_attributes(void) {
  cpu_set_t all;
  pthread_attr_t attributes;
  must(sched_getaffinity(0, sizeof all, &all) == 0 && pthread_attr_init(&attributes) == 0);
  must(pthread_attr_setaffinity_np(&attributes, sizeof all, &all) == 0);
  for (int i = 0; i < ROUNDS; ++i) {
    churn(1);
    must(pthread_setattr_default_np(&attributes) == 0);
  }
}

int main(void) {
  set_default_attributes();
  sweep_on_a_short_stack();
  fork_while_they_are_made();
  return ok();
}
