//: summaries 4
// posix_spawn and system, with the library in the children too.
#include <spawn.h>
#include <sys/wait.h>

#include "support.h"

int main(void) {
  free(malloc(100));
  for (int i = 0; i < 2; ++i) {
    pid_t child = 0;
    int status = 0;
    char* const arguments[] = {(char[]){"true"}, NULL};
    must(posix_spawnp(&child, "true", NULL, NULL, arguments, environ) == 0);
    must(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  must(system("exit 0") == 0);
  return ok();
}
