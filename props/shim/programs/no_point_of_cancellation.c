//: told fast hardened debug: double free in free
//: options abort=0:check_every=500:decay_ms=0:dirty_bytes=0
//: summary faults=1
//: err trestle: .*live_blocks.*
// A thread that was asked to end does so where it says, and nowhere inside of the library, where it may hold a lock: while it
// counts mappings, reads a limit, waits for another in the heap, prints a report, asks a symbolizer. The others go on.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "support.h"

enum { MOVES = 1100, GUARD_INSTALL = 102 };

// Old kernels have neither barriers for all threads nor guards that are no mapping: where there are none the library waits
// by sleeping, and reads how many mappings it may have.
static void be_an_old_kernel(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, GUARD_INSTALL, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 22),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static volatile int came_to_its_end;

static void use_all_tiers(void) {
  const size_t sizes[] = {0, 100, 20000, 100000, 400000};
  void* blocks[sizeof sizes / sizeof *sizes];
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) must((blocks[i] = hidden(malloc(sizes[i]))) != NULL);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) free(blocks[i]);
}

// Blocks that grow with another in their way, so that their pages move: the library counts mappings every 1,024 times.
static void move_often(void) {
  for (int i = 0; i < MOVES; ++i) {
    char* const block = malloc(1 << 20);
    char* const behind = malloc(1 << 20);
    char* const moved = hidden(realloc(block, 3 << 20));
    must(behind != NULL && moved != NULL);
    free(moved);
    free(behind);
  }
}

static int look(const struct trestle_block* block, void* unused) {
  (void)block;
  (void)unused;
  pthread_testcancel();  // the heap is locked
  return 0;
}

static void* run(void* unused) {
  pthread_cancel(pthread_self());
  use_all_tiers();
  move_often();
  malloc_trim(0);
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  (void)CALL(trestle_walk)(look, NULL);
  malloc_stats();
  (void)CALL(trestle_collect)();
  char* const block = hidden(malloc(100));
  free(block);
  free(hidden(block));
  use_all_tiers();
  came_to_its_end = 1;
  pthread_testcancel();
  return unused;
}

static void* wait_and_use(void* gate) {
  must(pthread_barrier_wait(gate) <= 0);
  for (int i = 0; i < 1000; ++i) use_all_tiers();
  return NULL;
}

int main(void) {
  be_an_old_kernel();
  pthread_barrier_t gate;
  must(pthread_barrier_init(&gate, NULL, 2) == 0);
  pthread_t cancelled;
  pthread_t other;
  must(pthread_create(&other, NULL, wait_and_use, &gate) == 0);
  must(pthread_create(&cancelled, NULL, run, NULL) == 0);
  void* how = NULL;
  must(pthread_join(cancelled, &how) == 0 && how == PTHREAD_CANCELED);
  must(pthread_barrier_wait(&gate) <= 0);
  must(pthread_join(other, NULL) == 0);
  must(came_to_its_end);
  use_all_tiers();
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  return ok();
}
