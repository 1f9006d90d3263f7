//: each waiting locked
//: without fast [waiting]: its free reads nothing of a slot
//: err trestle: (a thread has ended that had left malloc or free unfinished|malloc or free was called .*), which nobody can go on with
//: out
//: killed ABRT
// A thread that is ended in the midst of a call, as by an asynchronous cancellation or from a signal's handler, may leave what
// it holds half changed, and all others waiting: the process says so and ends, at once. What ends a thread may ask for memory
// itself, as the first pthread_exit does, and be told of that.
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "support.h"

static char* volatile damaged;

// The heap reads the block's header while it has the lock of the blocks, or the slot's pad in the thread's own cache.
static void leave(int number) {
  (void)number;
  pthread_exit(NULL);
}

static void* run(void* which) {
  void* const own = malloc(100);
  free(own);
  signal(SIGSEGV, leave);
  must(mprotect(damaged, 4096, PROT_NONE) == 0);
  free(which);
  _exit(3);
}

int main(int count, char** words) {
  must(count == 2);
  const int locked = strcmp(words[1], "locked") == 0;
  char* const block = hidden(aligned_alloc(4096, locked ? 100000 : 4096));
  must(block != NULL);
  damaged = (char*)((uintptr_t)(block - (locked ? 16 : 0)) & ~(uintptr_t)4095);
  pthread_t thread;
  must(pthread_create(&thread, NULL, run, block) == 0);
  must(pthread_join(thread, NULL) == 0);
  return 4;
}
