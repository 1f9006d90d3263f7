//: options leak_check=1
//: summary leaks_searched=1
//: summary leaked_blocks=6
//: warning fast hardened debug: leak in the check at exit
// The head of a list is lost: with it go the blocks that it leads to, which are told with it.
#include "fault.h"

enum { LENGTH = 6, SIZE = 2000, LINE = 64 };

static void* made(void* next) {
  void** const block = malloc(SIZE);
  must(block != NULL);
  memset(block, 0, SIZE);
  *block = next;
  return block;
}

/* All that it knows is below the stack of main when it returns. */
__attribute__((noinline)) static void lose(void) {
  void* head = NULL;
  for (int i = 0; i < LENGTH; ++i) head = made(head);
  wrong_at(head);
  concerns(head, is_fast() ? slot_for(SIZE) : SIZE, slot_for(SIZE + !is_fast()));
  const int bytes = is_fast() ? (int)slot_for(SIZE) : SIZE;
  print(STDOUT_FILENO, "leaked 1 block, %d bytes; and what only they lead to: 5 blocks, %d bytes\n", bytes, 5 * bytes);
}

int main(void) {
  lose();
  forget();
  return ok();
}
