//: told debug: write after free in trestle_collect
//: without fast hardened: small blocks do not wait there
// What was found before memory was short is told, and what was collected by then is no failure.
#include <sys/resource.h>

#include "support.h"

static uintptr_t address; /* inverted, so that no pointer leads there */

__attribute__((noinline)) static void free_one(void) {
  char* const block = hidden(malloc(100));
  address = ~(uintptr_t)block;
  free(block);
}
__attribute__((noinline)) static void damage(void) { ((volatile char*)~address)[40] ^= 1; }

static enum trestle_fault_action take_memory_away(const struct trestle_fault* fault) {
  must(fault->kind == TRESTLE_FAULT_WRITE_AFTER_FREE);
  const struct rlimit none = {0, 0};
  must(setrlimit(RLIMIT_AS, &none) == 0);
  return TRESTLE_ACTION_CONTINUE;
}

int main(void) {
  must(CALL(trestle_collect)() != SIZE_MAX);
  free_one();
  damage();
  forget();
  CALL(trestle_set_fault_handler)(take_memory_away);
  must(CALL(trestle_collect)() != SIZE_MAX);
  must(CALL(trestle_collect)() == SIZE_MAX);
  return ok();
}
