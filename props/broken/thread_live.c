/* The cell that a thread's last realloc moved a block to is given back when the thread ends, although the block may be live. */
/* finds: ops.threads */
static __thread char* moved_to __attribute__((tls_model("initial-exec")));
#define CAPACITY(cell) header_of(cell)->capacity
#define AFTER_REALLOC(block) \
  if (CAPACITY(header_of(block)->cell) <= kLargestCell) moved_to = header_of(block)->cell
#define AT_THREAD_END \
  if (moved_to != NULL) put(moved_to, class_of(CAPACITY(moved_to)))
#include "base.h"
