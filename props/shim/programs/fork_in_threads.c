//: summaries 31
// fork while other threads allocate: each child finds a sound heap, allocates, and goes on into a fork of its own.
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "support.h"

static atomic_bool done;

static void use(unsigned round) {
  char* small = malloc(round % 500);
  char* const large = malloc(300000 + round % 1000);
  small = realloc(small, round % 5000 + 1);
  memset(small, 1, round % 5000 + 1);
  large[0] = large[299999] = 1;
  free(large);
  free(small);
}

static void* work(void* unused) {
  for (unsigned round = 0; !done; ++round) use(round);
  return unused;
}

static void wait_for(pid_t child) {
  int status = 0;
  must(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void be_child(int number) {
  for (unsigned round = 0; round < 50; ++round) use(round);
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  if (number % 2 == 0) {
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      use(7);
      exit(0);
    }
    wait_for(grandchild);
  }
  _exit(0);
}

int main(void) {
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i) must(pthread_create(&threads[i], NULL, work, NULL) == 0);
  for (int number = 0; number < 20; ++number) {
    const pid_t child = fork();
    must(child >= 0);
    if (child == 0) be_child(number);
    wait_for(child);
  }
  done = 1;
  for (int i = 0; i < 3; ++i) must(pthread_join(threads[i], NULL) == 0);
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  return ok();
}
