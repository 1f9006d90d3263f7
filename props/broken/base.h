/* A small malloc that keeps the rules, for those that break one: each file beside it defines one of the macros below, and
   includes it. Blocks to 64 KiB lie in cells of powers of two, which threads keep for themselves until they end; larger ones
   are mappings. Before each block stand the bytes that it has and the cell that it lies in:
     block == cell unless an alignment moved it;  capacity == bytes from block to the cell's end */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What a broken one defines otherwise. */
#ifndef KEPT_BYTES /* by realloc, of blocks of these sizes */
#define KEPT_BYTES(had, wanted) ((had) < (wanted) ? (had) : (wanted))
#endif
#ifndef ZEROED_BYTES /* by calloc, in a cell */
#define ZEROED_BYTES(bytes) (bytes)
#endif
#ifndef ALIGNED_ALLOC_ALIGNMENT /* by aligned_alloc */
#define ALIGNED_ALLOC_ALIGNMENT(alignment) (alignment)
#endif
#ifndef USABLE_BYTES /* as malloc_usable_size tells */
#define USABLE_BYTES(capacity) (capacity)
#endif
#ifndef IS_OVERFLOW /* of calloc's product */
#define IS_OVERFLOW(count, size, product) __builtin_mul_overflow(count, size, product)
#endif
#ifndef AFTER_FAILED_REALLOC
#define AFTER_FAILED_REALLOC(block) (void)(block)
#endif
#ifndef AFTER_REALLOC
#define AFTER_REALLOC(block) (void)(block)
#endif
#ifndef AT_THREAD_END
#define AT_THREAD_END
#endif
#ifndef MALLOC_BYTES /* that a block of malloc has */
#define MALLOC_BYTES(bytes) (bytes)
#endif
#ifndef CELL_BYTES /* that a cell takes */
#define CELL_BYTES(capacity) ((capacity) + HEADER)
#endif
#ifndef FORK_SAFE
#define FORK_SAFE 1
#endif
#ifndef ERRNO_AFTER_FREE
#define ERRNO_AFTER_FREE(before) (before)
#endif
#ifndef CELLS_OUTLIVE_THREAD
#define CELLS_OUTLIVE_THREAD 1
#endif
#ifndef POSIX_MEMALIGN_FAILED
#define POSIX_MEMALIGN_FAILED(error) return error
#endif

#define EXPORT __attribute__((visibility("default")))
#define HEADER sizeof(struct header)
enum { kClasses = 12, kSmallest = 32, kLargestCell = 65536, kChunk = 1 << 20 };

struct header {
  size_t capacity;
  char* cell;
};
struct cell {
  struct cell* next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cell* shared[kClasses];
static char *chunk, *chunk_end;
static pthread_key_t at_thread_end;
static __thread struct cell* own[kClasses] __attribute__((tls_model("initial-exec")));
static __thread int has_ended __attribute__((tls_model("initial-exec")));

static struct header* header_of(void* block) { return (struct header*)block - 1; }

static unsigned class_of(size_t bytes) {
  unsigned index = 0;
  while ((size_t)kSmallest << index < bytes) ++index;
  return index;
}

static char* map(size_t bytes) {
  char* const pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages != MAP_FAILED) return pages;
  errno = ENOMEM;
  return NULL;
}

static char* with_header(char* place, size_t capacity) {
  char* const block = place + HEADER;
  *header_of(block) = (struct header){capacity, block};
  return block;
}

/* Under the lock. */
static char* fresh_cell(unsigned index) {
  const size_t capacity = (size_t)kSmallest << index;
  if (chunk == NULL || (size_t)(chunk_end - chunk) < capacity + HEADER) {
    chunk = map(kChunk);
    if (chunk == NULL) return NULL;
    chunk_end = chunk + kChunk;
  }
  char* const block = with_header(chunk, capacity);
  chunk += CELL_BYTES(capacity);
  return block;
}

static char* cell_of(unsigned index) {
  struct cell* found = own[index];
  if (found != NULL) {
    own[index] = found->next;
    return (char*)found;
  }
  pthread_mutex_lock(&lock);
  found = shared[index];
  if (found != NULL) shared[index] = found->next;
  char* const cell = found != NULL ? (char*)found : fresh_cell(index);
  pthread_mutex_unlock(&lock);
  return cell;
}

static void put(char* cell, unsigned index) {
  struct cell* const freed = (struct cell*)cell;
  if (!has_ended) {
    freed->next = own[index];
    own[index] = freed;
    pthread_setspecific(at_thread_end, own);
    return;
  }
  pthread_mutex_lock(&lock);
  freed->next = shared[index];
  shared[index] = freed;
  pthread_mutex_unlock(&lock);
}

static void end_thread(void* nothing) {
  (void)nothing;
  has_ended = 1;
  AT_THREAD_END;
  for (unsigned index = 0; index < kClasses; ++index) {
    while (CELLS_OUTLIVE_THREAD && own[index] != NULL) {
      struct cell* const freed = own[index];
      own[index] = freed->next;
      put((char*)freed, index);
    }
  }
}

static void lock_all(void) { pthread_mutex_lock(&lock); }
static void unlock_all(void) { pthread_mutex_unlock(&lock); }
static void make_key(void) {
  pthread_key_create(&at_thread_end, end_thread);
  if (FORK_SAFE) pthread_atfork(lock_all, unlock_all, unlock_all);
}
static pthread_once_t once = PTHREAD_ONCE_INIT;
__attribute__((constructor)) static void start(void) { pthread_once(&once, make_key); }

/* The lock is held for the mapping too, as a heap with books of its mappings would have to. */
static char* mapped_block(size_t bytes) {
  pthread_mutex_lock(&lock);
  char* const place = map(bytes + HEADER);
  pthread_mutex_unlock(&lock);
  return place == NULL ? NULL : with_header(place, bytes);
}

static char* serve(size_t bytes) {
  start();
  if (bytes <= kLargestCell) return cell_of(class_of(bytes));
  if (bytes <= PTRDIFF_MAX) return mapped_block(bytes);
  errno = ENOMEM;
  return NULL;
}

/* The name malloc would tell the compiler that there is nothing before the block. */
EXPORT void* malloc(size_t bytes) { return serve(MALLOC_BYTES(bytes)); }

EXPORT void free(void* block) {
  if (block == NULL) return;
  const int before = errno;
  char* const cell = header_of(block)->cell;
  const size_t capacity = header_of(cell)->capacity;
  if (capacity <= kLargestCell) {
    put(cell, class_of(capacity));
  } else {
    pthread_mutex_lock(&lock);
    munmap(cell - HEADER, capacity + HEADER);
    pthread_mutex_unlock(&lock);
  }
  errno = ERRNO_AFTER_FREE(before);
}

EXPORT void* calloc(size_t count, size_t size) {
  size_t bytes = 0;
  const int is_overflow = IS_OVERFLOW(count, size, &bytes);
  if (is_overflow) {
    errno = ENOMEM;
    return NULL;
  }
  char* const block = serve(bytes);
  if (block != NULL && bytes <= kLargestCell) memset(block, 0, ZEROED_BYTES(bytes));
  return block;
}

EXPORT void* realloc(void* block, size_t bytes) {
  if (block == NULL) return serve(bytes);
  const size_t had = header_of(block)->capacity;
  char* const moved = serve(bytes);
  if (moved == NULL) {
    AFTER_FAILED_REALLOC(block);
    return NULL;
  }
  memcpy(moved, block, KEPT_BYTES(had, bytes));
  free(block);
  AFTER_REALLOC(moved);
  return moved;
}

EXPORT void* reallocarray(void* block, size_t count, size_t size) {
  size_t bytes = 0;
  if (!__builtin_mul_overflow(count, size, &bytes)) return realloc(block, bytes);
  errno = ENOMEM;
  return NULL;
}

static void* aligned(size_t alignment, size_t bytes) {
  if (bytes > PTRDIFF_MAX || alignment > PTRDIFF_MAX) {
    errno = ENOMEM;
    return NULL;
  }
  if (alignment <= HEADER) return serve(bytes);
  char* const cell = serve(bytes + alignment);
  if (cell == NULL || (uintptr_t)cell % alignment == 0) return cell;
  char* const block = cell + (alignment - (uintptr_t)cell % alignment);
  *header_of(block) = (struct header){header_of(cell)->capacity - (size_t)(block - cell), cell};
  return block;
}

static int is_power_of_two(size_t number) { return number != 0 && (number & (number - 1)) == 0; }

EXPORT void* aligned_alloc(size_t alignment, size_t bytes) {
  if (is_power_of_two(alignment)) return aligned(ALIGNED_ALLOC_ALIGNMENT(alignment), bytes);
  errno = EINVAL;
  return NULL;
}

EXPORT int posix_memalign(void** result, size_t alignment, size_t bytes) {
  if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0) POSIX_MEMALIGN_FAILED(EINVAL);
  void* const block = aligned(alignment, bytes);
  if (block == NULL) POSIX_MEMALIGN_FAILED(ENOMEM);
  *result = block;
  return 0;
}

EXPORT void* memalign(size_t alignment, size_t bytes) {
  return is_power_of_two(alignment) ? aligned(alignment, bytes) : NULL;
}
EXPORT void* valloc(size_t bytes) { return aligned((size_t)getpagesize(), bytes); }
EXPORT void* pvalloc(size_t bytes) {
  const size_t page = (size_t)getpagesize();
  return aligned(page, (bytes + page - 1) / page * page);
}
EXPORT size_t malloc_usable_size(void* block) { return block == NULL ? 0 : USABLE_BYTES(header_of(block)->capacity); }
