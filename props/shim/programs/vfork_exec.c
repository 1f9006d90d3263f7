//: summaries 2
// vfork: a child that executes another program leaves that one's summary, and one that ends by _exit leaves none of its own.
#include <sys/wait.h>

#include "support.h"

int main(void) {
  char* const block = malloc(100);
  int status = 0;
  const pid_t first = vfork();
  if (first == 0) {
    char* const arguments[] = {(char[]){"true"}, NULL};
    execve("/bin/true", arguments, environ);
    _exit(9);
  }
  must(waitpid(first, &status, 0) == first && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  const pid_t second = vfork();
  if (second == 0) _exit(7);
  must(waitpid(second, &status, 0) == second && WIFEXITED(status) && WEXITSTATUS(status) == 7);
  free(block);
  free(malloc(1000000));
  must(CALL(trestle_heap_check)(NULL, 0) == 0);
  return ok();
}
