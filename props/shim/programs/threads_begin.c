// However a thread is made and however it ends, it does what it was made for.
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>

#include "support.h"

enum { AT_ONCE = 600, STACK = 256 << 10 };
static sem_t is_there, may_go;

static void use(void) {
  char* const block = hidden(malloc(100));
  must(block != NULL);
  free(block);
}
static void* give_back(void* given) {
  must(errno == 0);
  use();
  return given;
}
static void* do_nothing(void* given) { return given; }
static void* leave(void* given) {
  use();
  pthread_exit(given);
}
static void clean_up(void* given) { ++*(int*)given; }
static void* wait_for_its_end(void* given) {
  pthread_cleanup_push(clean_up, given);
  use();
  sem_post(&is_there);
  for (;;) pause();
  pthread_cleanup_pop(0);
  return NULL;
}
static void* wait_for_all(void* given) {
  use();
  sem_post(&is_there);
  while (sem_wait(&may_go) != 0) continue;
  return given;
}

static pthread_t begun(const pthread_attr_t* attributes, void* (*body)(void*), void* given) {
  pthread_t thread;
  must(pthread_create(&thread, attributes, body, given) == 0);
  return thread;
}
static void* end_of(pthread_t thread) {
  void* result = NULL;
  must(pthread_join(thread, &result) == 0);
  return result;
}

static void each_way_to_end(void) {
  int number = 7;
  must(end_of(begun(NULL, give_back, &number)) == &number);
  must(end_of(begun(NULL, leave, &number)) == &number);
  const pthread_t thread = begun(NULL, wait_for_its_end, &number);
  while (sem_wait(&is_there) != 0) continue;
  must(pthread_cancel(thread) == 0);
  must(end_of(thread) == PTHREAD_CANCELED && number == 8);
}

static void each_stack(void) {
  int number = 0;
  pthread_attr_t attributes;
  must(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, STACK) == 0);
  must(end_of(begun(&attributes, give_back, &number)) == &number);
  must(pthread_attr_setstacksize(&attributes, (size_t)sysconf(_SC_THREAD_STACK_MIN)) == 0);
  must(end_of(begun(&attributes, do_nothing, &number)) == &number);
  char* const own = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(own != MAP_FAILED && pthread_attr_setstack(&attributes, own, STACK) == 0);
  must(end_of(begun(&attributes, leave, &number)) == &number);
  must(munmap(own, STACK) == 0 && pthread_attr_destroy(&attributes) == 0);
}

static void many_at_once(void) {
  static pthread_t threads[AT_ONCE];
  pthread_attr_t small;
  must(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, STACK) == 0);
  for (size_t i = 0; i < AT_ONCE; ++i) threads[i] = begun(&small, wait_for_all, &threads[i]);
  for (size_t i = 0; i < AT_ONCE; ++i)
    while (sem_wait(&is_there) != 0) continue;
  for (size_t i = 0; i < AT_ONCE; ++i) must(sem_post(&may_go) == 0);
  for (size_t i = 0; i < AT_ONCE; ++i) must(end_of(threads[i]) == &threads[i]);
}

static void none_at_all(void) {
  pthread_t thread;
  pthread_attr_t too_much;
  must(pthread_attr_init(&too_much) == 0 && pthread_attr_setstacksize(&too_much, (size_t)1 << 47) == 0);
  must(pthread_create(&thread, &too_much, give_back, NULL) == EAGAIN);
}

int main(void) {
  must(sem_init(&is_there, 0, 0) == 0 && sem_init(&may_go, 0, 0) == 0);
  errno = 0;
  each_way_to_end();
  each_stack();
  many_at_once();
  none_at_all();
  return ok();
}
