// Allocates and frees the same size again and again: pair_loop BYTES PAIRS. What it executes is counted by golden.py.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

// In place of the C library's: which branches a canary takes depends on the heap's secret, and here all runs are to be alike.
__attribute__((visibility("default"))) ssize_t getrandom(void* to, size_t bytes, unsigned flags) {
  (void)flags;
  memset(to, 0x5A, bytes);
  return (ssize_t)bytes;
}

static long number(const char* text) {
  char* end = NULL;
  errno = 0;
  const long value = strtol(text, &end, 10);
  if (errno != 0 || *text == '\0' || *end != '\0' || value <= 0) {
    fprintf(stderr, "pair_loop: not a positive number: '%s'\n", text);
    exit(2);
  }
  return value;
}

int main(int count, char** arguments) {
  if (count != 3) {
    fputs("usage: pair_loop BYTES PAIRS\n", stderr);
    return 2;
  }
  const size_t bytes = (size_t)number(arguments[1]);
  for (long left = number(arguments[2]); left > 0; --left) {
    void* volatile block = malloc(bytes);
    free(block);
  }
  return 0;
}
