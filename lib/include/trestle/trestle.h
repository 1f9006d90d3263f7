/* Trestle: a hardened malloc that checks itself. The C interface.
 *
 * Every function here works on the one heap of the process, the heap that malloc and free use as well when the program
 * is linked with, or preloaded with, a Trestle library. All functions are thread-safe unless they say otherwise. Sizes
 * are bytes. A heap offset is an address's distance in bytes from the start of the heap's reserved region. */
#ifndef TRESTLE_TRESTLE_H
#define TRESTLE_TRESTLE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TRESTLE_API __attribute__((visibility("default")))
#else
#define TRESTLE_API
#endif

#ifdef __cplusplus
#define TRESTLE_NOEXCEPT noexcept
extern "C" {
#else
#define TRESTLE_NOEXCEPT
#endif

/* What kind of corruption or misuse a fault is. Values are stable: new kinds are added at the end. */
enum trestle_fault_kind {
  TRESTLE_FAULT_NONE = 0,
  TRESTLE_FAULT_DOUBLE_FREE = 1,          /* free of a block that is already free */
  TRESTLE_FAULT_INTERIOR_POINTER = 2,     /* a pointer into a block, not to its start */
  TRESTLE_FAULT_NOT_A_BLOCK = 3,          /* a pointer into the heap where no block is */
  TRESTLE_FAULT_WILD_POINTER = 4,         /* a pointer to memory that is not the heap's */
  TRESTLE_FAULT_STALE_POINTER = 5,        /* realloc or malloc_usable_size of a freed block */
  TRESTLE_FAULT_WRITE_PAST_END = 6,       /* bytes after the end of the request were overwritten */
  TRESTLE_FAULT_WRITE_BEFORE_START = 7,   /* bytes before the start of the block were overwritten */
  TRESTLE_FAULT_WRITE_AFTER_FREE = 8,     /* a freed block was written to */
  TRESTLE_FAULT_SIZE_MISMATCH = 9,        /* sized free with another size than was requested */
  TRESTLE_FAULT_ALIGNMENT_MISMATCH = 10,  /* aligned free with an alignment that the block does not have */
  TRESTLE_FAULT_KIND_MISMATCH = 11,       /* malloc, new and new[] freed by one another's release */
  TRESTLE_FAULT_HEADER_CORRUPT = 12,      /* a block's header was overwritten */
  TRESTLE_FAULT_FOOTER_CORRUPT = 13,      /* a free block's footer was overwritten */
  TRESTLE_FAULT_BLOCK_OVERRUNS_SPAN = 14, /* a block's size leads out of its span */
  TRESTLE_FAULT_BOUNDARY_TAG_MISMATCH = 15,    /* two neighbours disagree about one another */
  TRESTLE_FAULT_UNCOALESCED_NEIGHBOURS = 16,   /* two free blocks side by side */
  TRESTLE_FAULT_FREE_LINK_CORRUPT = 17,        /* a free block's link was overwritten */
  TRESTLE_FAULT_BIN_MISMATCH = 18,             /* the bins and the free blocks disagree */
  TRESTLE_FAULT_ACCOUNTING_MISMATCH = 19,      /* the counters and the heap's bytes disagree */
  TRESTLE_FAULT_DESCRIPTOR_CORRUPT = 20,       /* a span's descriptor was overwritten */
  TRESTLE_FAULT_SPAN_TILING = 21,              /* spans overlap, leave a gap, or are mapped wrongly */
  TRESTLE_FAULT_UNCOALESCED_SPANS = 22,        /* two free spans side by side */
  TRESTLE_FAULT_SPAN_BIN_MISMATCH = 23,        /* the span bins and the free spans disagree */
  TRESTLE_FAULT_QUARANTINE_CORRUPT = 24,       /* the quarantine and the retired blocks disagree */
  TRESTLE_FAULT_CONTROL_CORRUPT = 25,          /* a heap's own control record was overwritten */
  TRESTLE_FAULT_ACCESS_PAST_END = 26,          /* an access that the hardware refused: past the end of a block */
  TRESTLE_FAULT_ACCESS_AFTER_FREE = 27,        /* an access that the hardware refused: to a freed block */
  TRESTLE_FAULT_WILD_ACCESS = 28,              /* an access that the hardware refused: to memory of no block's */
  TRESTLE_FAULT_LEAK = 29,                     /* a block that no pointer leads to; see trestle_leak_check */
  TRESTLE_FAULT_ACCESS_BEFORE_START = 30,      /* an access that the hardware refused: before the start of a block */
  TRESTLE_FAULT_KIND_COUNT = 31
};

/* One fault, as heap_check, a fault handler, a block_heap or a bitmap_heap reports it. */
struct trestle_fault {
  enum trestle_fault_kind kind;
  int invariant;         /* its number in docs/invariants.md; 0 for a misuse seen at a call */
  const void *address;   /* where: the pointer passed in, or the first wrong byte */
  uint64_t heap_offset;  /* of address; UINT64_MAX where the address is not the heap's */
  const void *block;     /* start of the block concerned, null where none is known */
  size_t requested;      /* bytes its owner asked for; 0 where no block is known */
  size_t served;         /* bytes it occupies, without its header */
  uint64_t expected;     /* what the checked bytes, tag or counter should have been */
  uint64_t found;        /* what they were */
  char text[160];        /* one sentence for people, NUL-terminated */
};

/* The standard's name of a kind, such as "double free". Never null. */
TRESTLE_API const char *trestle_fault_name(enum trestle_fault_kind kind) TRESTLE_NOEXCEPT;

/* malloc and its family under their own names, with the meaning, errors and errno of C23 and POSIX: above PTRDIFF_MAX
 * or where a product overflows, null and ENOMEM. Never less than 16-byte alignment. Usable size is the size requested.
 * A misuse (see trestle_fault_kind) is reported and aborts (see trestle_set_fault_handler). Cost: O(1), but for bytes
 * copied, zeroed or poisoned. */
TRESTLE_API void *trestle_malloc(size_t size) TRESTLE_NOEXCEPT;
TRESTLE_API void *trestle_calloc(size_t count, size_t size) TRESTLE_NOEXCEPT;
TRESTLE_API void *trestle_realloc(void *block, size_t size) TRESTLE_NOEXCEPT;
TRESTLE_API void *trestle_reallocarray(void *block, size_t count, size_t size) TRESTLE_NOEXCEPT;
TRESTLE_API void trestle_free(void *block) TRESTLE_NOEXCEPT;
TRESTLE_API void trestle_free_sized(void *block, size_t size) TRESTLE_NOEXCEPT;
TRESTLE_API void trestle_free_aligned_sized(void *block, size_t alignment, size_t size) TRESTLE_NOEXCEPT;
TRESTLE_API void *trestle_aligned_alloc(size_t alignment, size_t size) TRESTLE_NOEXCEPT;
TRESTLE_API int trestle_posix_memalign(void **block, size_t alignment, size_t size) TRESTLE_NOEXCEPT;
TRESTLE_API void *trestle_memalign(size_t alignment, size_t size) TRESTLE_NOEXCEPT;
TRESTLE_API void *trestle_valloc(size_t size) TRESTLE_NOEXCEPT;
TRESTLE_API void *trestle_pvalloc(size_t size) TRESTLE_NOEXCEPT;
TRESTLE_API size_t trestle_malloc_usable_size(const void *block) TRESTLE_NOEXCEPT;
/* Gives free memory back to the operating system at once; keeps `keep` bytes of free spans. 1 iff any was given back. */
TRESTLE_API int trestle_malloc_trim(size_t keep) TRESTLE_NOEXCEPT;

/* Checks the whole heap, every byte of it that the allocator owns. Returns the number of faults found (0: the heap is
 * sound) and fills in the first `capacity` of them; `faults` may be null when `capacity` is 0. Never aborts, neither
 * writes to the heap nor allocates, is safe on a heap already corrupt and with other threads running (they wait). In a
 * signal handler that interrupted the heap itself it cannot look, and returns 0.
 * Cost: O(blocks + free and pad bytes). */
TRESTLE_API size_t trestle_heap_check(struct trestle_fault *faults, size_t capacity) TRESTLE_NOEXCEPT;

/* Blocks from one place that no pointer leads to any more. */
struct trestle_leak {
  const void *address;      /* of one of them */
  size_t blocks;            /* how many, */
  size_t bytes;             /* as requested, */
  size_t indirect_blocks;   /* and of those that only they lead to */
  size_t indirect_bytes;
};

/* Looks for blocks that no pointer leads to: from registers, stacks and thread-local storage of all threads, from variables
 * and all other memory that was written to, and from other blocks; a pointer may lead anywhere into a block. What looks like
 * a pointer counts as one, so that some leaks stay unseen. Returns from how many places blocks leaked, and fills in the first
 * `capacity` of them, the most bytes first; a place is a stack of the allocation where that is known (under the debug policy),
 * else a size. `leaks` may be null when `capacity` is 0. Prints nothing. The other threads are stopped meanwhile, as by a
 * debugger. SIZE_MAX where they cannot be, where memory is short or the heap damaged, under Valgrind, and where a signal
 * handler asks that interrupted the heap. Thread-safe. Cost: O(memory that is in use). */
TRESTLE_API size_t trestle_leak_check(struct trestle_leak *leaks, size_t capacity) TRESTLE_NOEXCEPT;

/* Lets freed blocks be used again that wait after their release and to which no pointer is left, found as by
 * trestle_leak_check; what a freed block holds counts for nothing. Returns how many those were. With the option sweep=1, under
 * the debug policy, they wait for nothing else, and the heap does so by itself when many wait. The other threads are stopped
 * meanwhile, as by a debugger: system calls that no handler would restart end with EINTR. SIZE_MAX, and thread-safe, as there.
 * Faults found in them are reported as the call's. Cost: O(memory that is in use). */
TRESTLE_API size_t trestle_collect(void) TRESTLE_NOEXCEPT;

enum trestle_block_state {
  TRESTLE_BLOCK_LIVE = 0,
  TRESTLE_BLOCK_RETIRED = 1, /* freed, waiting in the quarantine */
  TRESTLE_BLOCK_FREE = 2
};

enum trestle_block_kind {
  TRESTLE_KIND_NONE = 0, /* a free block */
  TRESTLE_KIND_MALLOC = 1,
  TRESTLE_KIND_NEW = 2,
  TRESTLE_KIND_NEW_ARRAY = 3
};

struct trestle_block {
  void *address;        /* of the payload */
  uint64_t heap_offset; /* of address */
  size_t requested;     /* bytes; 0 for a free block */
  size_t served;        /* payload bytes that the block occupies */
  enum trestle_block_state state;
  enum trestle_block_kind kind;
};

/* Returning non-zero ends the walk. The visitor runs under the heap's locks and must not allocate or free. */
typedef int (*trestle_visitor)(const struct trestle_block *block, void *context);

/* Visits every block, live and free, in address order within each span. Returns what the visitor last returned, 0 for
 * an empty heap. A span whose blocks are corrupt is left at the first one. Cost: O(blocks). */
TRESTLE_API int trestle_walk(trestle_visitor visitor, void *context) TRESTLE_NOEXCEPT;

struct trestle_stats {
  uint64_t allocations;       /* calls that handed out a block, so far */
  uint64_t deallocations;     /* calls that released one */
  uint64_t live_blocks;
  uint64_t live_bytes;        /* as requested */
  uint64_t peak_live_bytes;
  uint64_t retired_blocks;    /* in the quarantine */
  uint64_t retired_bytes;
  uint64_t free_block_bytes;  /* inside block spans */
  uint64_t span_bytes;        /* in use by blocks and large allocations */
  uint64_t free_span_bytes;   /* of these, some may still hold pages: */
  uint64_t dirty_span_bytes;  /* so many of them */
  uint64_t committed_bytes;   /* of address space that is readable and writable */
  uint64_t reserved_bytes;    /* of address space */
  uint64_t purges;            /* spans whose pages were given back */
  uint64_t checks;            /* full heap checks made */
  uint64_t check_nanoseconds; /* of wall time spent in them */
  uint64_t faults;            /* met so far, reported or not */
};

TRESTLE_API void trestle_get_stats(struct trestle_stats *stats) TRESTLE_NOEXCEPT;
/* The same as one JSON object. Returns its length; at most `capacity` bytes with the NUL are written, as by snprintf. */
TRESTLE_API size_t trestle_stats_json(char *buffer, size_t capacity) TRESTLE_NOEXCEPT;

enum trestle_fault_action {
  TRESTLE_ACTION_DEFAULT = 0, /* what the option `abort` says */
  TRESTLE_ACTION_ABORT = 1,
  TRESTLE_ACTION_CONTINUE = 2 /* where that is safe; else the process aborts all the same */
};

/* Called with each fault, after its report is printed, if that is due, in the thread that met it. What it returns says
 * whether the process goes on, as docs/reports.md tells. It must not call the heap. It may leave by longjmp, in a test.
 * Returns the handler that was set before; null unsets. */
typedef enum trestle_fault_action (*trestle_fault_handler)(const struct trestle_fault *fault);
TRESTLE_API trestle_fault_handler trestle_set_fault_handler(trestle_fault_handler handler) TRESTLE_NOEXCEPT;

/* "hardened", "fast" or "debug"; and the version, such as "0.1.0". */
TRESTLE_API const char *trestle_policy_name(void) TRESTLE_NOEXCEPT;
TRESTLE_API const char *trestle_version(void) TRESTLE_NOEXCEPT;

#ifdef __cplusplus
}
#endif

/* Checks the heap, prints each fault to stderr and aborts if there is one (see trestle_set_fault_handler); nothing under
 * NDEBUG. */
#ifdef NDEBUG
#define TRESTLE_HEAP_CHECK() ((void)0)
#else
#define TRESTLE_HEAP_CHECK() trestle_heap_check_or_abort(__FILE__, __LINE__)
#endif
#ifdef __cplusplus
extern "C" {
#endif
TRESTLE_API void trestle_heap_check_or_abort(const char *file, int line) TRESTLE_NOEXCEPT;
#ifdef __cplusplus
}
#endif

#endif
