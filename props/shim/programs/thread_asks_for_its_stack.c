// A thread whose first request is made by the C library, which has the thread's lock meanwhile.
#include <pthread.h>

#include "support.h"

static void* ask(void* unused) {
  pthread_attr_t attributes;
  must(pthread_getattr_np(pthread_self(), &attributes) == 0);
  must(pthread_attr_destroy(&attributes) == 0);
  return unused;
}

int main(void) {
  pthread_t thread;
  must(pthread_create(&thread, NULL, ask, NULL) == 0 && pthread_join(thread, NULL) == 0);
  return ok();
}
