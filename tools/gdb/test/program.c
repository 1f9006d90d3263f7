/* What test/session.py stops and looks at: blocks of every tier, and then one overwritten byte after the other, each told
   before it is looked at and mended afterwards. */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trestle/trestle.h>
#include <unistd.h>

enum { SMALL = 60, MEDIUM = 6, NONE = 2 };
char *small[SMALL], *medium[MEDIUM], *large[3], *none[NONE], *freed_small, *freed_medium;

/* What session.py reads at a stop, and what it calls. */
const char *kind, *needs;
char* wrong;
struct trestle_stats stats;
struct trestle_fault faults[64];
size_t fault_count;
static size_t (*check)(struct trestle_fault*, size_t);
static int (*walk)(trestle_visitor, void*);
void ask(void) { fault_count = check(faults, sizeof faults / sizeof faults[0]); }

#define STOP __attribute__((noinline)) void
STOP before(void) { __asm__ volatile("" : : : "memory"); }
STOP after(void) { __asm__ volatile("" : : : "memory"); }
STOP planted(void) { __asm__ volatile("" : : : "memory"); }

static int note_free(const struct trestle_block* block, void* last) {
  if (block->state == TRESTLE_BLOCK_FREE && block->served > 65536) *(struct trestle_block*)last = *block;
  return 0;
}

/* `what`: what a policy needs to see it. */
static void plant(const char* what, const char* name, char* at) {
  kind = name;
  needs = what;
  wrong = at;
  *at = (char)(*at ^ 0x55);
  planted();
  *at = (char)(*at ^ 0x55);
}

static size_t small_size(size_t i) { return 24 + 40 * i; }
static size_t medium_size(size_t i) { return 80001 + 1000 * i; }

static void allocate(void) {
  for (size_t i = 0; i < SMALL; ++i) small[i] = memset(malloc(small_size(i)), 'a', small_size(i));
  for (size_t i = 0; i < MEDIUM; ++i) medium[i] = memset(malloc(medium_size(i)), 'b', medium_size(i));
  for (int i = 0; i < NONE; ++i) none[i] = malloc(0);
  large[0] = malloc(300001);
  large[1] = malloc(3000000);
  large[2] = malloc(1000000);
  large[2] = realloc(large[2], 400000); /* leaves a free span */
  large[2][0] = large[2][399999] = 'c';
  freed_small = small[3];
  freed_medium = medium[2];
  free(small[3]);
  free(medium[2]);
  free(large[1]);
}

/* A slot of another arena, where there are two, is on its way home as long as this thread lives. */
static sem_t is_freed;
static void* free_away(void* block) {
  free(block);
  free(memset(malloc(80000), 'd', 80000)); /* and so are two blocks, */
  if (malloc(80000) == NULL) return NULL;  /* of which one is live */
  sem_post(&is_freed);
  for (;;) pause();
  return NULL;
}
static int begin_thread(void) {
  pthread_t thread;
  if (sem_init(&is_freed, 0, 0) != 0 || pthread_create(&thread, NULL, free_away, malloc(24)) != 0) return 0;
  while (sem_wait(&is_freed) != 0) {
  }
  return 1;
}

int main(int count, char** arguments) {
  *(void**)&check = dlsym(RTLD_DEFAULT, "trestle_heap_check");
  *(void**)&walk = dlsym(RTLD_DEFAULT, "trestle_walk");
  void (*get_stats)(struct trestle_stats*);
  *(void**)&get_stats = dlsym(RTLD_DEFAULT, "trestle_get_stats");
  if (check == NULL || walk == NULL || get_stats == NULL) return 2;
  free(malloc(500000)); /* so that, where freed blocks are guarded, a guard comes before the first slot */
  if (malloc(24) == NULL) return 5;
  free(malloc(80000)); /* so that there is a block span, */
  malloc_trim(0);      /* and a free block in it whose pages went back */
  if (!begin_thread()) return 6;
  before();
  allocate();
  get_stats(&stats);
  after();
  if (count > 1 && strcmp(arguments[1], "abort") == 0) {
    char line[64];
    const int length = snprintf(line, sizeof line, "(%llu live blocks, %llu bytes)",
                                (unsigned long long)stats.live_blocks, (unsigned long long)stats.live_bytes);
    if (write(1, line, (size_t)length) == length) abort();
    return 4;
  }
  struct trestle_block last = {0};
  walk(note_free, &last);
  if (last.address == NULL) return 3;
  char* const payload = last.address;
  plant("canary", "write past end", small[0] + small_size(0));
  plant("canary", "write past end", small[29] + small_size(29));
  plant("canary", "write past end", small[55] + small_size(55)); /* a pad too long for its last byte to tell */
  plant("poison", "write after free", freed_small + 7);
  plant("canary", "write past end", medium[0] + medium_size(0));
  plant("poison", "write after free", freed_medium + 1000);
  plant("canary", "write before start", large[0] - 1);
  plant("canary", "write past end", large[0] + 300001);
  plant("", "header corrupt", medium[1] - 16);
  plant("", "header corrupt", medium[1] - 8);
  plant("", "free link corrupt", payload);
  plant("", "footer corrupt", payload + last.served - 16);
  return 0;
}
