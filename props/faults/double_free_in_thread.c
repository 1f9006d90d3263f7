//: fault fast hardened debug: double free in free(GIVEN)
// A block freed by two threads.
#include <pthread.h>

#include "fault.h"

static const char* role = "freed";

static void* release(void* block) {
  print(STDOUT_FILENO, "%s %d\n", role, (int)gettid());
  role = "thread";
  free(block);
  return NULL;
}

int main(void) {
  void* const block = malloc(100);
  give(block);
  about_freed(block, 100);
  for (int i = 0; i < 2; ++i) {
    pthread_t thread;
    must(pthread_create(&thread, NULL, release, block) == 0 && pthread_join(thread, NULL) == 0);
  }
  return ok();
}
