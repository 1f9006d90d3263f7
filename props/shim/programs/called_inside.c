//: err trestle: a signal's handler called malloc or free, which it had interrupted, which nobody can go on with
//: out
//: killed ABRT
// A signal's handler that interrupted free where it holds a lock, and asks for memory that needs the lock: it is told, and does
// not wait for itself for ever.
#include <signal.h>
#include <sys/mman.h>

#include "support.h"

static void allocate(int number) {
  (void)number;
  alarm(10);
  free(malloc(100000));
  _exit(3);
}

int main(void) {
  char* const block = hidden(aligned_alloc(4096, 100000));
  must(block != NULL);
  signal(SIGSEGV, allocate);
  must(mprotect(block - 4096, 4096, PROT_NONE) == 0);  // where its header lies
  free(block);
  return 4;
}
