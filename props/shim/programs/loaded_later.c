// The library by dlopen, in a program that runs on another malloc: the prefixed interface works, also in threads, and the
// handler that the program had still gets what is its own.
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

#include "support.h"

#define FROM(library, name) ((__typeof__(&(name)))from(library, #name))
static void* from(void* library, const char* name) {
  void* const found = dlsym(library, name);
  if (found == NULL) failed(name, "dlsym finds it", 0);
  return found;
}

static void* library;

static void* use(void* unused) {
  const int fast = strcmp(FROM(library, trestle_policy_name)(), "fast") == 0;
  for (size_t size = 0; size < (size_t)1 << 20; size = 2 * size + 1) {
    char* const block = FROM(library, trestle_malloc)(size);
    const size_t told = FROM(library, trestle_malloc_usable_size)(block);
    must(block != NULL && (fast ? told >= size : told == size));
    memset(block, 1, size);
    FROM(library, trestle_free)(block);
  }
  return unused;
}

static sigjmp_buf back;
static void own(int number) {
  (void)number;
  siglongjmp(back, 1);
}

int main(int count, char** arguments) {
  must(count == 2);
  must(signal(SIGSEGV, own) != SIG_ERR);
  void* const before = malloc(1001);
  library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) failed(dlerror(), "dlopen", 0);
  use(NULL);
  pthread_t thread;
  must(pthread_create(&thread, NULL, use, NULL) == 0 && pthread_join(thread, NULL) == 0);
  struct trestle_stats stats;
  FROM(library, trestle_get_stats)(&stats);
  must(stats.live_blocks == 0 && stats.allocations == 2UL * 21);
  must(FROM(library, trestle_heap_check)(NULL, 0) == 0);
  volatile char* const nowhere = hidden(NULL);
  if (sigsetjmp(back, 1) == 0) {
    nowhere[0] = 1;
    must(!"reached");
  }
  must(malloc_usable_size(before) >= 1001);
  free(before);
  must(dlclose(library) == 0);
  return ok();
}
