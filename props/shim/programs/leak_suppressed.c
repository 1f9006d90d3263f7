//: options leak_check=1
//: err trestle: leaks: 0 blocks, 0 bytes, from 0 places; suppressed: 1
//: summary leaks_searched=1
//: summary leaked_blocks=0
//: without fast hardened: nobody knows there where a block was allocated
// A leak of which nobody wants to hear, by the name of the program that it was allocated by.
#include "support.h"

__attribute__((noinline)) static void lose(void) { hidden(malloc(1000))[0] = 1; }

/* Once more, with patterns. */
static void begin_again(char* program) {
  char path[] = "/tmp/leak_suppressed-XXXXXX";
  const int file = mkstemp(path);
  static const char kPattern[] = "leak:edge_leak_suppressed$\n";
  must(write(file, kPattern, sizeof kPattern - 1) == sizeof kPattern - 1);
  close(file);
  char options[4096];
  must(snprintf(options, sizeof options, "%s:leak_suppressions=%s", getenv("TRESTLE_OPTIONS"), path) <
       (int)sizeof options);
  setenv("TRESTLE_OPTIONS", options, 1);
  execl("/proc/self/exe", program, path, (char*)NULL);
}

int main(int count, char** words) {
  if (count == 1) {
    begin_again(words[0]);
    return 1;
  }
  unlink(words[1]);
  lose();
  forget();
  return ok();
}
