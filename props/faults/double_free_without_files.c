//: fault fast hardened debug: double free in free(GIVEN)
// By a process that may open no more files, so that no symbolizer can be asked: objects and offsets are told.
//: unsymbolized
#include <sys/resource.h>

#include "fault.h"

int main(void) {
  void* const block = malloc(100);
  give(block);
  about_freed(block, 100);
  const struct rlimit none = {4, 4};  // stdin, stdout, stderr and the summary's: too few for a pipe
  must(setrlimit(RLIMIT_NOFILE, &none) == 0);
  free(block);
  free(block);
  return ok();
}
