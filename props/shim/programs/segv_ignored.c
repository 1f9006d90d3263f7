// A program that was started with SIGSEGV ignored goes on when somebody sends it one, as without the library.
#include <signal.h>

#include "support.h"

int main(int count, char** words) {
  if (count == 1) {
    must(signal(SIGSEGV, SIG_IGN) != SIG_ERR);
    execl("/proc/self/exe", words[0], "again", (char*)NULL);
    return 1;
  }
  struct sigaction before;
  struct sigaction after;
  must(sigaction(SIGSEGV, NULL, &before) == 0);
  for (int i = 0; i < 3; ++i) must(kill(getpid(), SIGSEGV) == 0);
  must(sigaction(SIGSEGV, NULL, &after) == 0 && after.sa_handler == before.sa_handler); /* faults are still reported */
  free(hidden(malloc(100)));
  return ok();
}
