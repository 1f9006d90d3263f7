//: told fast hardened debug: header corrupt in free
//: out
//: status -6
// A thread that is to end, and whose handler of the fault is a place where it may, does not take the end of the process along.
#include <pthread.h>

#include "support.h"

static enum trestle_fault_action linger(const struct trestle_fault* fault) {
  (void)fault;
  pthread_testcancel();
  return TRESTLE_ACTION_CONTINUE;
}

static void* run(void* unused) {
  char* const block = hidden(malloc(90000));
  block[-8] ^= 1;
  pthread_cancel(pthread_self());
  free(hidden(block));
  return unused;
}

int main(void) {
  CALL(trestle_set_fault_handler)(linger);
  pthread_t thread;
  must(pthread_create(&thread, NULL, run, NULL) == 0);
  must(pthread_join(thread, NULL) == 0);
  return ok();
}
