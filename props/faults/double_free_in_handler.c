//: options symbolizer=
//: fault fast hardened debug: double free in free(GIVEN)
// In a signal handler, on a stack of its own as short as they come, with a page below it that nobody may touch.
#include <signal.h>
#include <sys/mman.h>

#include "fault.h"

static void* block;

static void release_again(int number) {
  (void)number;
  free(block);
  block = NULL; /* no tail call: the frame is to be found */
}

int main(void) {
  const size_t room = 8192;
  char* const below = mmap(NULL, 4096 + room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(below != MAP_FAILED && mprotect(below, 4096, PROT_NONE) == 0);
  const stack_t stack = {.ss_sp = below + 4096, .ss_size = room};
  must(sigaltstack(&stack, NULL) == 0);
  struct sigaction action = {.sa_handler = release_again, .sa_flags = SA_ONSTACK};
  must(sigaction(SIGUSR1, &action, NULL) == 0);
  block = malloc(100);
  give(block);
  about_freed(block, 100);
  free(block);
  must(raise(SIGUSR1) == 0);
  return ok();
}
