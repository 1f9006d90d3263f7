/* What the test programs share. They print "ok" when all of it held; what they expect of the library, and of their own end,
   stands in their first lines, for run.py. */
#ifndef TRESTLE_PROPS_SHIM_SUPPORT_H
#define TRESTLE_PROPS_SHIM_SUPPORT_H

#include <dlfcn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trestle/trestle.h>
#include <unistd.h>

/* NOLINTBEGIN(modernize-use-nullptr): for C too */

/* One line, without allocating: dprintf would. */
__attribute__((format(printf, 2, 3))) static inline void print(int file, const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (length < 0 || write(file, line, strlen(line)) < 0) _exit(2);
}

/* Ends the program unless the condition holds. */
#define must(condition) ((condition) ? (void)0 : failed(#condition, __FILE__, __LINE__))
static inline void failed(const char* condition, const char* file, int line) {
  print(STDERR_FILENO, "%s:%d: not so: %s\n", file, line, condition);
  _exit(1);
}

/* Where a program does wrong under a sanitizer that is not to see it. */
#define UNSEEN __attribute__((no_sanitize("address")))

/* The same pointer and the same size, of which the compiler knows nothing any more. */
static inline char* hidden(const void* at) {
  __asm__ volatile("" : "+r"(at) : : "memory");
  return (char*)(uintptr_t)at;
}
static inline size_t hidden_size(size_t size) {
  __asm__ volatile("" : "+r"(size));
  return size;
}

/* What functions that were called from here have left on the stack is there no more. */
__attribute__((noinline, unused)) static void forget(void) {
  volatile char below[8192];
  for (size_t i = 0; i < sizeof below; ++i) below[i] = 0;
}

/* A function of the library that is loaded: CALL(trestle_heap_check)(0, 0). */
static inline void* function(const char* name) {
  void* const found = dlsym(RTLD_DEFAULT, name);
  if (found == NULL) failed(name, "dlsym finds it", 0);
  return found;
}
#define CALL(name) ((__typeof__(&(name)))function(#name))

/* What the heap serves a small request from: a slot, in steps of 16 bytes, then of an eighth of the power of two below, and
   one of 16 bytes more than that. */
static inline size_t slot_for(size_t bytes) {
  size_t power = 16;
  while (power * 2 < bytes) power *= 2;
  const size_t step = power / 8 < 16 ? 16 : power / 8;
  if (bytes <= 16) return 16;
  return bytes <= power + 16 ? power + 16 : (bytes + step - 1) / step * step;
}
/* Of the library that is linked in or preloaded. */
#pragma weak trestle_policy_name
static inline int is_fast(void) { return trestle_policy_name != NULL && strcmp(trestle_policy_name(), "fast") == 0; }
static inline int is_debug(void) { return trestle_policy_name != NULL && strcmp(trestle_policy_name(), "debug") == 0; }
#define LARGEST_SLOT ((size_t)(is_fast() ? 65536 : 32768))
/* What malloc_usable_size says of a request: the fast policy, which has no canaries, knows no more of a slot than its size. */
static inline size_t usable_aligned(size_t size, size_t alignment) {
  const size_t aligned = (size + alignment - 1) / alignment * alignment;
  return is_fast() && size != 0 && aligned <= LARGEST_SLOT ? slot_for(aligned) : size;
}
static inline size_t usable(size_t size) { return usable_aligned(size, 16); }

static inline int ok(void) {
  print(STDOUT_FILENO, "ok\n");
  return 0;
}

/* NOLINTEND(modernize-use-nullptr) */

#endif
