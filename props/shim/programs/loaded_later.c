// The library by dlopen, in a program that runs on another malloc: the prefixed interface works, also in threads, and the
// handler that the program had still gets what is its own.
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

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

static volatile int calls;
static volatile char* page;
static int is_blocked(int number) {
  sigset_t blocked;
  must(sigprocmask(SIG_BLOCK, NULL, &blocked) == 0);
  return sigismember(&blocked, number);
}

/* Once, then the page is accessible; and, while it runs, only what it asked for is blocked. */
static void open_page(int number, siginfo_t* info, void* context) {
  ++calls;
  must(info->si_addr == (const void*)page && context != NULL);
  must(is_blocked(number) && is_blocked(SIGUSR1) && !is_blocked(SIGUSR2));
  must(mprotect((void*)page, 4096, PROT_READ | PROT_WRITE) == 0);
}
/* Twice, the second time inside of itself. */
static void open_again(int number) {
  must(!is_blocked(number) && !is_blocked(SIGUSR1));
  if (++calls == 1) page[0] = 2;
  must(mprotect((void*)page, 4096, PROT_READ | PROT_WRITE) == 0);
}
static void count(int number) {
  (void)number;
  ++calls;
}
static void close_page(void) {
  calls = 0;
  must(mprotect((void*)page, 4096, PROT_NONE) == 0);
}

/* What a handler that was there before the library has of it: its flags and its mask. */
static void with_handler(const char* path, struct sigaction action, int ends, int times) {
  const pid_t child = fork();
  must(child >= 0);
  if (child == 0) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(sigaction(SIGSEGV, &action, NULL) == 0 && dlopen(path, RTLD_NOW | RTLD_LOCAL) != NULL);
    for (int i = 0; i < 3; ++i) {
      close_page();
      page[0] = 1;
      must(calls == times && !is_blocked(SIGSEGV) && !is_blocked(SIGUSR1));
    }
    _exit(0);
  }
  int status = 0;
  must(waitpid(child, &status, 0) == child);
  must(ends == 0 ? status == 0 : WIFSIGNALED(status) && WTERMSIG(status) == ends);
}
static void keeps_handlers(const char* path) {
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = open_page;
  sigaddset(&action.sa_mask, SIGUSR1);
  with_handler(path, action, 0, 1);
  with_handler(path, (struct sigaction){.sa_handler = open_again, .sa_flags = SA_NODEFER}, 0, 2);
  with_handler(path, (struct sigaction){.sa_handler = count, .sa_flags = (int)SA_RESETHAND}, SIGSEGV, 1);
  with_handler(path, (struct sigaction){.sa_handler = SIG_IGN}, SIGSEGV, 0);
}

static sigjmp_buf back;
static void own(int number) {
  (void)number;
  siglongjmp(back, 1);
}

int main(int words, char** arguments) {
  must(words == 2);
  keeps_handlers(arguments[1]);
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
