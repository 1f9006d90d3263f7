// trestle.h in strict C11: every function of it, called once.
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <trestle/trestle.h>

static int checks_failed;
static void expect(int holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "not so: %s\n", what);
  ++checks_failed;
}
#define EXPECT(condition) expect((condition) != 0, #condition)

static int count_live(const struct trestle_block* block, void* context) {
  if (block->state == TRESTLE_BLOCK_LIVE) ++*(size_t*)context;
  return 0;
}
static enum trestle_fault_action ignore(const struct trestle_fault* fault) {
  (void)fault;
  return TRESTLE_ACTION_CONTINUE;
}

static void use_family(void) {
  void* block = trestle_malloc(10);
  EXPECT(trestle_malloc_usable_size(block) == 10);
  block = trestle_realloc(block, 20);
  block = trestle_reallocarray(block, 3, 10);
  EXPECT(trestle_malloc_usable_size(block) == 30);
  trestle_free(block);
  trestle_free_sized(trestle_calloc(2, 8), 16);
  trestle_free_aligned_sized(trestle_aligned_alloc(64, 128), 64, 128);
  EXPECT(trestle_posix_memalign(&block, 64, 100) == 0);
  trestle_free(block);
  trestle_free(trestle_memalign(64, 100));
  trestle_free(trestle_valloc(100));
  trestle_free(trestle_pvalloc(100));
  (void)trestle_malloc_trim(0);
}

static void ask(void) {
  struct trestle_fault faults[4];
  struct trestle_stats stats;
  char text[2048];
  size_t live = 0;
  void* const block = trestle_malloc(10);
  EXPECT(trestle_heap_check(faults, 4) == 0 && trestle_heap_check(NULL, 0) == 0);
  trestle_get_stats(&stats);
  EXPECT(trestle_walk(count_live, &live) == 0);
  EXPECT(live == stats.live_blocks && live >= 1);
  EXPECT(trestle_stats_json(text, sizeof text) == strlen(text));
  trestle_free(block);
  TRESTLE_HEAP_CHECK();
}

int main(void) {
  use_family();
  ask();
  EXPECT(trestle_set_fault_handler(ignore) == NULL);
  EXPECT(trestle_set_fault_handler(NULL) == ignore);
  EXPECT(strcmp(trestle_policy_name(), "hardened") == 0);
  EXPECT(strchr(trestle_version(), '.') != NULL);
  EXPECT(strcmp(trestle_fault_name(TRESTLE_FAULT_DOUBLE_FREE), "double free") == 0);
  if (checks_failed == 0) puts("ok");
  return checks_failed;
}
