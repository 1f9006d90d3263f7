//: summaries 2
// What the heap has not closed is the program's: it ends by the signal as if there were no handler, whoever sent it, also on a
// stack of its own; and a handler of the program's own is called.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "support.h"

static sigjmp_buf back;
static volatile int called;
static void own(int number) {
  called = number;
  siglongjmp(back, 1);
}

static volatile char* volatile nowhere;
static void read_null(void) { (void)*nowhere; }
static void write_null(void) { *nowhere = 1; }
static void send(void) { raise(SIGSEGV); }
static void send_from_outside(void) { kill(getpid(), SIGSEGV); }
static void read_mapping(void) {
  volatile char* const closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  (void)*closed;
}
static int deeper(int depth) {
  volatile char room[4096];
  room[0] = (char)depth;
  return depth == 0 ? 0 : deeper(depth - 1) + room[0];
}
static void overflow(void) { must(deeper(1 << 20) == 0); }

static void ends_by_it(void (*act)(void)) {
  const pid_t child = fork();
  must(child >= 0);
  if (child == 0) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    act();
    _exit(0);
  }
  int status = 0;
  must(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

// What the process had ignored when it began, it ignores still.
static void begin_again(void) {
  must(signal(SIGSEGV, SIG_IGN) != SIG_ERR);
  execl("/proc/self/exe", "segv_handlers", "ignored", (char*)NULL);
}
static void ends_well(void (*act)(void)) {
  const pid_t child = fork();
  must(child >= 0);
  if (child == 0) {
    act();
    _exit(1);
  }
  int status = 0;
  must(waitpid(child, &status, 0) == child && status == 0);
}

int main(int count, char** words) {
  if (count > 1 && strcmp(words[1], "ignored") == 0) {
    send();
    send_from_outside();
    _exit(0);
  }
  ends_well(begin_again);
  static char stack[64 << 10];
  void (*const acts[])(void) = {read_null, write_null, send, send_from_outside, read_mapping, overflow};
  for (size_t i = 0; i < sizeof acts / sizeof *acts; ++i) ends_by_it(acts[i]);
  const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  must(sigaltstack(&alternate, NULL) == 0);
  for (size_t i = 0; i < sizeof acts / sizeof *acts; ++i) ends_by_it(acts[i]);

  must(signal(SIGSEGV, SIG_IGN) != SIG_ERR);
  send();
  must(signal(SIGSEGV, own) != SIG_ERR);
  if (sigsetjmp(back, 1) == 0) read_null();
  must(called == SIGSEGV);
  return ok();
}
