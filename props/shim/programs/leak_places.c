//: options leak_check=1:report=json:/dev/null
//: err ==.+: leak in the check at exit\n(  .+\n){3}  leaked     2 blocks, 160000 bytes
//: err (  .+\n)+(==.+: leak.+\n(  .+\n)+){19}trestle: leaks: 72 blocks, .+ from 71 places, of which the 20 largest are reported
//: summary leaks_searched=1
//: summary leaked_blocks=72
//: summary faults=null
//: without fast: sizes are those of slots there, and fewer
// Of many places where blocks leak the largest are reported, and the rest is counted. Two blocks of one place, or of one size
// where no places are known, are told together.
#include "support.h"

#define LOSE(size) hidden(malloc(size))[0] = 1
#define LOSE_FOUR(size) \
  LOSE(size);           \
  LOSE((size) + 100);   \
  LOSE((size) + 200);   \
  LOSE((size) + 300)
#define LOSE_SIXTEEN(size) \
  LOSE_FOUR(size);         \
  LOSE_FOUR((size) + 400); \
  LOSE_FOUR((size) + 800); \
  LOSE_FOUR((size) + 1200)

__attribute__((noinline)) static void lose(void) {
  LOSE_FOUR(300);
  LOSE_FOUR(800);
  LOSE_FOUR(10000);
  LOSE_FOUR(12000);
  LOSE_SIXTEEN(14000);
  LOSE_SIXTEEN(17000);
  LOSE_SIXTEEN(20000);
  LOSE_FOUR(40000);
  LOSE(60000);
  LOSE(70000);
  for (volatile int i = 0; i < 2; ++i) LOSE(80000);
}

int main(void) {
  lose();
  forget();
  return ok();
}
