//: err trestle: malloc or free was called from inside of itself, as by a signal's handler, which nobody can go on with
//: out
//: killed ABRT
// A signal's handler that interrupted free where it holds a lock, and asks for memory that needs the lock: it is told, and does
// not wait for itself for ever. Nor does the handler of the signal that ends the process then, which is told of nothing more.
#include <signal.h>
#include <sys/mman.h>

#include "support.h"

static void allocate(int number) {
  (void)number;
  alarm(10);
  free(malloc(100000));
  _exit(3);
}

static void allocate_at_the_end(int number) {
  (void)number;
  free(malloc(100000));
  _exit(5);
}

int main(void) {
  signal(SIGABRT, allocate_at_the_end);
  char* const block = hidden(aligned_alloc(4096, 100000));
  must(block != NULL);
  signal(SIGSEGV, allocate);
  must(mprotect(block - 4096, 4096, PROT_NONE) == 0);  // where its header lies
  free(block);
  return 4;
}
