// What leads to a block: variables, thread-local ones and a thread's own values, stacks and registers of all threads, memory
// that the program has mapped, and other blocks, from wherever in them to wherever in it. What only was led to is a leak.
//: summaries 2
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "support.h"

enum { SIZE = 4000 };

static void* variable;
static __thread void* local_to_thread;
static pthread_key_t key;
static pthread_barrier_t barrier;
static int done;

static size_t leaks(struct trestle_leak* first) { return CALL(trestle_leak_check)(first, 1); }
static void none(const char* what) {
  struct trestle_leak found;
  const size_t count = leaks(&found);
  if (count == 0) return;
  print(STDERR_FILENO, "%s: %zu places, %zu blocks of %zu bytes\n", what, count, found.blocks, found.bytes);
  _exit(1);
}
/* A block of which only *into knows, which points so far into it. */
__attribute__((noinline)) static void put(void** into, size_t size, size_t inside) {
  *into = hidden(calloc(1, size)) + inside;
}
__attribute__((noinline)) static void lose_only(void** from) {
  struct trestle_leak found;
  *from = NULL;
  forget();
  must(leaks(&found) == 1 && found.blocks == 1 && found.indirect_blocks == 0);
  free((void*)(uintptr_t)found.address);
}
/* Nothing leads to it any more, nor is there a word left of it where a frame is to be. */
__attribute__((always_inline)) static inline void lose(void** from) {
  forget();
  lose_only(from);
}

/* The same in that word of the variable's block, whose address nobody keeps either. */
__attribute__((noinline)) static void put_within(size_t word, size_t size, size_t inside) {
  put(&((void**)variable)[word], size, inside);
}
__attribute__((noinline)) static void lose_within(size_t word) { lose(&((void**)variable)[word]); }

static void meet(void) { pthread_barrier_wait(&barrier); }

static void* on_stack(void* unused) {
  void* volatile own = NULL;
  put((void**)&own, SIZE, 0);
  forget();
  meet();
  meet();
  free(own);
  return unused;
}
static void* in_thread(void* unused) {
  put(&local_to_thread, SIZE, 0);
  pthread_setspecific(key, malloc(SIZE));
  forget();
  meet();
  meet();
  free(local_to_thread);
  free(pthread_getspecific(key));
  return unused;
}
/* Nowhere else: the stack that it was on before is overwritten. */
static void* in_register(void* unused) {
  void* block = hidden(malloc(SIZE));
  forget();
  meet();
#if defined(__x86_64__)
  __asm__ volatile("1: cmpl $0, %1\n\tje 1b" : "+r"(block) : "m"(done) : "cc", "memory");
#else
  while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) __asm__ volatile("" : "+r"(block));
#endif
  free(block);
  return unused;
}
/* Of one thread while another searches as well. */
static void* searches(void* unused) {
  meet();
  for (int i = 0; i < 20; ++i) none("of two searches at once");
  return unused;
}

__attribute__((noinline)) static void with_thread(void* (*run)(void*), const char* what) {
  pthread_t thread;
  must(pthread_create(&thread, NULL, run, NULL) == 0);
  meet();
  none(what);
  if (run == in_register) __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
  if (run != in_register && run != searches) meet();
  must(pthread_join(thread, NULL) == 0);
}

/* A child has what its parent had, and its own. */
__attribute__((noinline)) static void in_child(void) {
  put(&variable, SIZE, 0);
  const pid_t child = fork();
  must(child >= 0);
  if (child == 0) {
    none("in a child");
    put(&local_to_thread, SIZE, 0);
    lose(&local_to_thread);
    lose(&variable);
    exit(0);
  }
  int status = -1;
  must(waitpid(child, &status, 0) == child && status == 0);
  lose(&variable);
}

/* The answer of an earlier search is nothing that leads to the block. */
__attribute__((noinline)) static void twice(void) {
  static struct trestle_leak found[2];
  put(&variable, SIZE, 0);
  variable = NULL;
  forget();
  for (int i = 0; i < 2; ++i) must(CALL(trestle_leak_check)(found, 2) == 1 && found[0].blocks == 1);
  const uintptr_t inverse = hidden_size(~(uintptr_t)found[0].address);
  memset(found, 0, sizeof found);
  forget();
  must(CALL(trestle_leak_check)(NULL, 0) == 1);
  free((void*)~hidden_size(inverse));
  none("in answers");
}

/* Where the variable leads to, so far on or before. */
__attribute__((noinline)) static void damage(ptrdiff_t at) { *hidden((char*)variable + at) ^= 1; }
/* What is wrong in the heap makes nothing a leak that is none. */
__attribute__((noinline)) static void in_damaged(void) {
  enum { REQUEST = 100, LARGER = 100000 };
  put(&variable, REQUEST, 0);
  put_within(3, SIZE, 0);
  damage(REQUEST);
  none("in a block whose pad is damaged");
  damage(REQUEST);
  lose_within(3);
  lose(&variable);

  put(&variable, LARGER, 0);
  damage(-8);
  must(CALL(trestle_leak_check)(NULL, 0) == SIZE_MAX);
  damage(-8);
  none("where a header was damaged");
  lose(&variable);
}

__attribute__((noinline)) static void in_variables(void) {
  put(&variable, SIZE, 0);
  put(&local_to_thread, SIZE, 0);
  none("in variables");
  lose(&local_to_thread);
  lose(&variable);
}
__attribute__((noinline)) static void in_mappings(void) {
  static void** mapped;
  mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(mapped != MAP_FAILED);
  put(&mapped[100], SIZE, SIZE - 1);
  none("in a mapping, to the last byte");
  lose(&mapped[100]);
}
__attribute__((noinline)) static void in_blocks(void) {
  enum { LAST = SIZE / sizeof(void*) - 1 };
  put(&variable, SIZE, 0);
  put_within(7, 100000, 1);
  none("in a block");
  lose_within(7);
  put_within(LAST, 1000000, 0);
  none("in a block's last word");
  lose_within(LAST);
  lose(&variable);
}

/* Each in a function of its own, whose registers and frame are gone with it. */
int main(void) {
  must(pthread_key_create(&key, NULL) == 0);
  must(pthread_barrier_init(&barrier, NULL, 2) == 0);
  none("at first");
  with_thread(on_stack, "on a thread's stack");
  with_thread(in_thread, "in a thread's variables");
  with_thread(in_register, "in a thread's register");
  with_thread(searches, "while another searches");
  in_child();
  twice();
  in_damaged();
  in_variables();
  in_mappings();
  in_blocks();
  none("in the end");
  return ok();
}
