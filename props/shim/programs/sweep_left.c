//: options sweep=1
//: told hardened debug: write after free in malloc
//: without fast: freed blocks do not wait for sweeps there
// Sweeps go on after a fault handler has left one by a jump.
#include <setjmp.h>

#include "support.h"

enum { SIZE = 250000, ROUNDS = 1200, BOUND = 50 << 20 };

static void churn(void) {
  for (int i = 0; i < ROUNDS; ++i) free(hidden(malloc(SIZE)));
}

static jmp_buf before;
static uintptr_t address; /* inverted, so that no pointer leads there */
static enum trestle_fault_action leave(const struct trestle_fault* fault) {
  must(fault->address == (char*)~address + 40);
  longjmp(before, 1);
}
__attribute__((noinline)) static void write_after_free(void) {
  char* const block = hidden(malloc(100));
  address = ~(uintptr_t)block;
  free(block);
  ((volatile char*)~address)[40] ^= 1;
}
int main(void) {
  const trestle_fault_handler none = CALL(trestle_set_fault_handler)(leave);
  write_after_free();
  forget();
  if (setjmp(before) == 0) {
    churn();
    must(!"a fault is found");
  }
  ((volatile char*)~address)[40] ^= 1;
  CALL(trestle_set_fault_handler)(none);
  churn();
  struct trestle_stats stats;
  CALL(trestle_get_stats)(&stats);
  must(stats.retired_bytes < BOUND);
  return ok();
}
