/* One access to bytes of the heap, or what keeps memory of the sanitizer's alive: accesses FAULT SIZE [thread | child]. An access
   is made by the first thread, by another, or in a child, as which the process then ends. */
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <trestle/trestle.h>
#include <unistd.h>

static void* volatile kept; /* so that no pointer is left elsewhere, and no access left out */

static char* made(size_t size) {
  char* const block = trestle_malloc(size);
  if (block == NULL) abort();
  memset(block, 1, size);
  return block;
}
/* All that a program may do with its blocks. */
static void use(size_t size) {
  char* block = trestle_calloc(1, size);
  if (block == NULL || block[size - 1] != 0) abort();
  memset(block, 1, size);
  block = trestle_realloc(block, 2 * size);
  if (block == NULL || block[size - 1] != 1) abort();
  memset(block, 2, 2 * size);
  block = trestle_realloc(block, size / 2);
  if (block == NULL || block[0] != 2) abort();
  memset(block, 3, trestle_malloc_usable_size(block));
  trestle_free(block);
  block = trestle_aligned_alloc(256, size);
  if (block == NULL) abort();
  memset(block, 4, size);
  trestle_free(block);
}

/* A child has the heap as its parent does. */
static void use_in_child(size_t size) {
  int status = 1;
  const pid_t child = fork();
  if (child == 0) {
    use(size);
    _exit(trestle_heap_check(NULL, 0) == 0 ? 0 : 1);
  }
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) abort();
}

static enum trestle_fault_action go_on(const struct trestle_fault* fault) {
  (void)fault;
  return TRESTLE_ACTION_CONTINUE;
}

static void misuse(const char* fault, size_t size) {
  volatile char* block = made(size);
  kept = (void*)block;
  if (strcmp(fault, "check_past_end") == 0) {
    trestle_set_fault_handler(go_on);
    block[size] = 1;
    trestle_heap_check_or_abort(__FILE__, __LINE__);
    exit(0); /* checked once more there */
  }
  if (strcmp(fault, "write_past_end") == 0) block[size] = 1;
  if (strcmp(fault, "read_past_end") == 0) kept = (void*)(size_t)block[size];
  if (strcmp(fault, "write_before_start") == 0) block[-1] = 1;
  if (strcmp(fault, "fill_past_end") == 0) memset((void*)block, 1, size + 1);
  if (strcmp(fault, "write_after_shrinking") == 0) {
    block = trestle_realloc((void*)block, size - 1);
    block[size - 1] = 1;
  }
  if (strcmp(fault, "read_after_moving") == 0) {
    void* const next = made(size); /* no room to grow in place */
    kept = trestle_realloc((void*)block, 8 * size);
    if (kept == block) exit(3);
    kept = (void*)(size_t)block[0];
    trestle_free(next);
  }
  trestle_free((void*)block);
  if (strcmp(fault, "write_after_free") == 0) block[size / 2] = 1;
  if (strcmp(fault, "read_after_free") == 0) kept = (void*)(size_t)block[size / 2];
  if (strcmp(fault, "free_twice") == 0) trestle_free((void*)block);
}

struct mistake {
  const char* fault;
  size_t size;
};
static void* misuse_there(void* there) {
  const struct mistake* const mistake = there;
  misuse(mistake->fault, mistake->size);
  return NULL;
}
static void misuse_in(const char* where, const char* fault, size_t size) {
  struct mistake mistake = {fault, size};
  int status = 0;
  if (strcmp(where, "thread") == 0) {
    pthread_t other;
    if (pthread_create(&other, NULL, misuse_there, &mistake) != 0 || pthread_join(other, NULL) != 0) abort();
  } else {
    const pid_t child = fork();
    if (child == 0) misuse_there(&mistake);
    if (child == 0) exit(0);
    if (child < 0 || waitpid(child, &status, 0) != child) abort();
    if (WIFSIGNALED(status)) raise(WTERMSIG(status));
    if (WEXITSTATUS(status) != 0) _exit(WEXITSTATUS(status));
  }
}

/* A byte that nobody wrote, of a new block or of one that has grown, whose first bytes are known: there it is the last one of
   the granule that the old end was in, which no word shares with a known one, or the one behind the old end. */
static void use_unknown(size_t size, int has_grown) {
  const size_t unknown = !has_grown ? size - 1 : size % 16 == 0 ? size : (size + 15) / 16 * 16 - 1;
  if (unknown >= (has_grown ? 2 * size : size)) exit(3);
  volatile char* const block = has_grown ? trestle_realloc(trestle_calloc(1, size), 2 * size) : trestle_malloc(size);
  if (has_grown && (block[0] != 0 || block[size - 1] != 0)) abort();
  if (block[unknown] == 77) puts("a rare byte");
  trestle_free((void*)block);
}

/* A byte that nobody wrote, used by what the heap calls, or after that has left by a jump. */
static jmp_buf out;
static enum trestle_fault_action escape(const struct trestle_fault* fault) {
  (void)fault;
  longjmp(out, 1);
}
static int use_byte(const struct trestle_block* block, void* wanted) {
  if (block->address != wanted) return 0;
  if (*((const char*)block->address) == 77) kept = NULL;
  return 1;
}
static void use_where_called(const char* fault, size_t size) {
  char* const block = trestle_malloc(size);
  if (strcmp(fault, "use_after_escape") == 0) {
    trestle_set_fault_handler(escape);
    if (setjmp(out) == 0) kept = trestle_realloc(block + 1, size);
    if (block[size - 1] == 77) puts("a rare byte");
  } else {
    if (trestle_walk(use_byte, block) != 1) abort();
  }
  trestle_free(block);
}

/* Many of few bytes: each of a span's slots is among them, the first too, whose address the heap keeps as the span's. */
__attribute__((noinline)) static void leak(size_t size) {
  for (int i = 0; i < (size < 1000 ? 5000 : 1); ++i) kept = made(size);
}

/* The sanitizer's own memory, which a block of ours leads to, or one that was freed. */
__attribute__((noinline)) static void lead_from_block(int is_freed) {
  void** const block = (void**)made(sizeof(void*));
  *block = malloc(4321);
  kept = block;
  if (is_freed) trestle_free(block);
}

/* What only a block leads to that another thread moves, at any moment. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
static atomic_int stop;
static void* move_on(void* size) {
  for (size_t i = 0; !stop; ++i) kept = trestle_realloc(kept, (size_t)size + i % 2 * 64);
  return NULL;
}
static void look_while_moved(size_t size) {
  pthread_t mover;
  void** const block = (void**)made(size);
  *block = malloc(4321);
  kept = block;
  if (pthread_create(&mover, NULL, move_on, (void*)size) != 0) abort();
  for (int i = 0; i < 30 && __lsan_do_recoverable_leak_check != NULL; ++i)
    if (__lsan_do_recoverable_leak_check() != 0) exit(5);
  stop = 1;
  pthread_join(mover, NULL);
}

int main(int count, char** words) {
  if (count != 3 && count != 4) return 2;
  const size_t size = strtoul(words[2], NULL, 10);
  for (int i = 0; i < (size < 1000000 ? 20 : 2); ++i) use(size + (size_t)i);
  if (count == 4) {
    misuse_in(words[3], words[1], size);
  } else if (strcmp(words[1], "none") == 0) {
    trestle_free(made(size));
    trestle_malloc_trim(0);
    malloc_trim(0); /* the C library's, or where the library takes malloc's names its own */
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
    use_in_child(size);
  } else if (strcmp(words[1], "lead") == 0 || strcmp(words[1], "lose") == 0) {
    lead_from_block(strcmp(words[1], "lose") == 0);
  } else if (strcmp(words[1], "lead_moved") == 0) {
    look_while_moved(size);
  } else if (strcmp(words[1], "leak") == 0) {
    leak(size);
    kept = NULL;
  } else if (strcmp(words[1], "collect") == 0) {
    if (trestle_collect() != SIZE_MAX || trestle_leak_check(NULL, 0) != SIZE_MAX) return 5;
  } else if (strcmp(words[1], "use_after_escape") == 0 || strcmp(words[1], "use_when_visited") == 0) {
    use_where_called(words[1], size);
  } else if (strcmp(words[1], "use_fresh") == 0 || strcmp(words[1], "use_grown") == 0) {
    use_unknown(size, strcmp(words[1], "use_grown") == 0);
  } else {
    misuse(words[1], size);
  }
  if (trestle_heap_check(NULL, 0) != 0) return 4;
  puts("ok");
  return 0;
}
