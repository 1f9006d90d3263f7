//: options sweep=1
//: summaries 9
//: without fast: freed blocks do not wait for sweeps there
// A fork handler that was registered before the library's own, and so runs while the library holds its locks, frees so much
// that a sweep is due: it is made later.
#include <pthread.h>
#include <sys/wait.h>

#include "support.h"

enum { SIZE = 250000, ROUNDS = 200, FORKS = 8 };

static volatile int is_over;
static void churn(void) {
  for (int i = 0; i < ROUNDS; ++i) free(hidden(malloc(SIZE)));
}
static void* churn_on(void* unused) {
  while (!is_over) free(hidden(malloc(SIZE)));
  return unused;
}
static void register_early(void) { pthread_atfork(churn, churn, churn); }
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = register_early;

int main(void) {
  alarm(30);
  pthread_t thread;
  must(pthread_create(&thread, NULL, churn_on, NULL) == 0);
  for (int i = 0; i < FORKS; ++i) {
    const pid_t child = fork();
    must(child >= 0);
    if (child == 0) _exit(CALL(trestle_heap_check)(NULL, 0) == 0 ? 0 : 1);
    int status = 0;
    must(waitpid(child, &status, 0) == child && status == 0);
    must(CALL(trestle_heap_check)(NULL, 0) == 0);
  }
  is_over = 1;
  must(pthread_join(thread, NULL) == 0);
  return ok();
}
