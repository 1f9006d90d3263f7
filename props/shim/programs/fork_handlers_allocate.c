//: summaries 21
// A fork handler that was registered before the library's own, and so runs while the library holds its locks, allocates.
#include <pthread.h>
#include <sys/wait.h>

#include "support.h"

static void allocate(void) {
  free(hidden(malloc(100)));
  free(hidden(malloc(1 << 20)));
}
// Of what is set up before any constructor, the preload library's included, the program's own pre-initialisers come first.
static void register_early(void) { pthread_atfork(allocate, allocate, allocate); }
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = register_early;

static void* allocate_once(void* unused) {
  allocate();
  return unused;
}
static void* fork_some(void* unused) {
  for (int i = 0; i < 10; ++i) {
    const pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
      allocate();
      _exit(CALL(trestle_heap_check)(NULL, 0) == 0 ? 0 : 1);
    }
    int status = 0;
    must(waitpid(child, &status, 0) == child && status == 0);
  }
  return unused;
}
static void in_a_thread(void* (*body)(void*)) {
  pthread_t thread;
  must(pthread_create(&thread, NULL, body, NULL) == 0);
  must(pthread_join(thread, NULL) == 0);
}

int main(void) {
  alarm(20);
  pthread_atfork(allocate, allocate, allocate);
  in_a_thread(allocate_once);  // leaves a cache that is nobody's
  in_a_thread(fork_some);      // whose first allocation is that of the handlers
  fork_some(NULL);
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  return ok();
}
