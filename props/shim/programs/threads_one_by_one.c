//: without debug: its quarantine keeps what they freed
// What a thread had ready for itself is the next one's when it ends: a thousand need no more memory than one.
#include <pthread.h>
#include <stdio.h>

#include "support.h"

enum { THREADS = 1000, MORE_KIB = 4096 };

static void* use_every_class(void* unused) {
  (void)unused;
  for (size_t size = 1; size < 2000; size += 16) {
    char* const block = malloc(size);
    must(block != NULL);
    memset(hidden(block), 1, size);
    free(block);
  }
  return NULL;
}

static long resident_kib(void) {
  long pages = 0;
  FILE* const file = fopen("/proc/self/statm", "r");
  must(file != NULL && fscanf(file, "%*s %ld", &pages) == 1);
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void run(int threads) {
  for (int i = 0; i < threads; ++i) {
    pthread_t thread;
    must(pthread_create(&thread, NULL, use_every_class, NULL) == 0 && pthread_join(thread, NULL) == 0);
  }
}

int main(void) {
  run(20);
  const long before = resident_kib();
  run(THREADS);
  must(resident_kib() - before < MORE_KIB);
  return ok();
}
