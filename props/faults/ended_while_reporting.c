//: options symbolizer=none
// Signals that come while a report waits for room on stderr do not take the place of SIGABRT, nor does a handler that would end
// the process otherwise: the fault ends it. It is this program once more, with an argument.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "fault.h"

static void leave(int number) { _exit(number); }

static int do_wrong(void) {
  must(signal(SIGUSR1, leave) != SIG_ERR);
  void* const block = malloc(100);
  free(block);
  must(write(STDOUT_FILENO, "", 1) == 1); /* from here on only the report lets no signals through */
  free(hidden(block));
  return 3;
}

/* Whether the process lets no signal of that number through. */
static int is_blocked_in(pid_t process, int number) {
  char text[4096];
  (void)snprintf(text, sizeof text, "/proc/%d/status", (int)process);
  const int file = open(text, O_RDONLY | O_CLOEXEC);
  must(file >= 0);
  const ssize_t length = read(file, text, sizeof text - 1);
  must(length > 0 && close(file) == 0);
  text[length] = '\0';
  const char* const mask = strstr(text, "\nSigBlk:\t");
  must(mask != NULL);
  return (int)(strtoull(mask + strlen("\nSigBlk:\t"), NULL, 16) >> (number - 1) & 1);
}

int main(int count, char** words) {
  (void)words;
  if (count > 1) return do_wrong();
  int ends[2];
  int told[2];
  static const char page[4096];
  must(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0 && pipe2(told, O_CLOEXEC) == 0);
  while (write(ends[1], page, sizeof page) > 0) continue;
  const pid_t child = fork();
  must(child >= 0);
  if (child == 0) {
    must(setenv("TRESTLE_OPTIONS", "symbolizer=none:sample=0", 1) == 0);
    must(dup2(told[1], STDOUT_FILENO) == STDOUT_FILENO && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    execl("/proc/self/exe", "ended_while_reporting", "child", NULL);
    _exit(4);
  }
  alarm(14);
  char byte;
  must(read(told[0], &byte, 1) == 1);
  while (!is_blocked_in(child, SIGUSR1)) usleep(1000);
  must(kill(child, SIGUSR1) == 0 && kill(child, SIGTERM) == 0 && kill(child, SIGALRM) == 0);
  int status = 0;
  must(waitpid(child, &status, 0) == child);
  must(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  return ok();
}
