// What the library says of options that it cannot follow, each in a process of its own: a line, and it goes on without.
#include <sys/wait.h>

#include "support.h"

struct saying {
  const char* options;
  const char* policies; /* under which it is said; under the others nothing is */
  const char* line;
};

static const struct saying kAll[] = {
    {"symbolizer=none", "", ""},
    {"symbolizer=/nonexistent/x", "fast hardened debug",
     "TRESTLE_OPTIONS: /nonexistent/x: ignored, no program that can be run"},
    {"leak_suppressions=/nonexistent/x", "fast hardened debug",
     "TRESTLE_OPTIONS: /nonexistent/x: ignored, no file of suppressions that can be read"},
    {"sample=5", "fast", "TRESTLE_OPTIONS: sample: ignored, this policy takes no samples"},
    {"sample=0:sample_below=3", "fast hardened debug", "TRESTLE_OPTIONS: sample_below: ignored, there are no samples"},
    {"sample=5:sample_below=3", "fast", "TRESTLE_OPTIONS: sample: ignored, this policy takes no samples"},
    {"sweep=1", "fast", "TRESTLE_OPTIONS: sweep: ignored, under this policy freed blocks do not wait for it"},
    {"unwind_tables=1", "", ""},
    {"summary=/nonexistent/x", "fast hardened debug",
     "cannot append the summary to /nonexistent/x: the system refuses it"},
};

/* What this program says on stderr where it is run by these options. */
static void hear(char* program, const char* options, char* into, size_t room) {
  int ends[2];
  must(pipe(ends) == 0);
  const pid_t child = fork();
  must(child >= 0);
  if (child == 0) {
    setenv("TRESTLE_OPTIONS", options, 1);
    dup2(ends[1], STDERR_FILENO);
    execl("/proc/self/exe", program, "again", (char*)NULL);
    _exit(9);
  }
  close(ends[1]);
  size_t length = 0;
  for (ssize_t more = 1; more > 0; length += (size_t)more) {
    more = read(ends[0], into + length, room - 1 - length);
    must(more >= 0);
  }
  into[length] = '\0';
  close(ends[0]);
  int status = -1;
  must(waitpid(child, &status, 0) == child);
  must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int count, char** words) {
  if (count > 1) {
    free(hidden(malloc(100)));
    return 0;
  }
  for (size_t i = 0; i < sizeof kAll / sizeof *kAll; ++i) {
    char heard[1024];
    char wanted[1024] = "";
    hear(words[0], kAll[i].options, heard, sizeof heard);
    if (strstr(kAll[i].policies, CALL(trestle_policy_name)()) != NULL)
      snprintf(wanted, sizeof wanted, "trestle: %s\n", kAll[i].line);
    if (strcmp(heard, wanted) != 0) print(STDERR_FILENO, "%s: it says %s", kAll[i].options, heard);
    must(strcmp(heard, wanted) == 0);
  }
  return ok();
}
