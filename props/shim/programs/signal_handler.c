// malloc works in a handler of a signal that arrives outside of it, on an alternate stack too.
#include <signal.h>

#include "support.h"

static char* volatile block;

static void handle(int number) {
  (void)number;
  block = realloc(block, 5000);
  memset(block, 1, 5000);
  free(malloc(1000000));
}

int main(void) {
  block = malloc(10);
  stack_t alternate = {.ss_sp = malloc(65536), .ss_size = 65536, .ss_flags = 0};
  must(sigaltstack(&alternate, NULL) == 0);
  struct sigaction action = {.sa_handler = handle, .sa_flags = 0};
  must(sigaction(SIGUSR1, &action, NULL) == 0);
  action.sa_flags = SA_ONSTACK;
  must(sigaction(SIGUSR2, &action, NULL) == 0);
  must(raise(SIGUSR1) == 0 && block[4999] == 1);
  must(raise(SIGUSR2) == 0 && block[4999] == 1);
  free(block);
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  return ok();
}
