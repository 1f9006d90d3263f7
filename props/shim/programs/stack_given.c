// A thread runs on parts of the stack that it was given, as coroutines do, and one part goes while it is on another: whose stack is
// noted reads nothing of it.
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "support.h"

enum { PART = 256 << 10 };
static char* parts; /* the thread's last, below it what goes, below that what stays */
static ucontext_t of_thread, of_gone, of_kept;
static int is_done;

__attribute__((noinline)) static void use(size_t size) { free(hidden(malloc(size))); }

__attribute__((noinline)) static void run_kept(void) {
  use(10);
  swapcontext(&of_kept, &of_gone);
  for (size_t size = 10; size < 13; ++size) use(size); /* the stack that this one was begun on is no more */
  is_done = 1;
  swapcontext(&of_kept, &of_thread);
}
static void begin(ucontext_t* context, char* stack, void (*body)(void)) {
  must(getcontext(context) == 0);
  context->uc_stack.ss_sp = stack;
  context->uc_stack.ss_size = PART;
  context->uc_link = NULL;
  makecontext(context, body, 0);
}
__attribute__((noinline)) static void run_gone(void) {
  begin(&of_kept, parts, run_kept);
  swapcontext(&of_gone, &of_kept);
  swapcontext(&of_gone, &of_thread);
}

static void* live(void* unused) {
  begin(&of_gone, parts + PART, run_gone);
  swapcontext(&of_thread, &of_gone);
  must(munmap(parts + PART, PART) == 0);
  swapcontext(&of_thread, &of_kept);
  return unused;
}

int main(void) {
  const size_t bytes = 3 * (size_t)PART;
  parts = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(parts != MAP_FAILED);
  pthread_attr_t attributes;
  pthread_t thread;
  must(pthread_attr_init(&attributes) == 0 && pthread_attr_setstack(&attributes, parts, bytes) == 0);
  must(pthread_create(&thread, &attributes, live, NULL) == 0 && pthread_join(thread, NULL) == 0);
  must(is_done);
  return ok();
}
