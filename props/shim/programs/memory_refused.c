//: summaries 7
// The system refuses one kind of call for memory from then on, or all of them: null and ENOMEM from each function, what is
// allocated keeps its bytes, the heap stays sound, errno outlives free, and what is freed can be had again.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "support.h"

enum { CALLS = 5, PROTECT = 1, ALL = CALLS };
static const unsigned calls[CALLS] = {SYS_mmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_munmap};

// Each of these calls, or only calls[which], answers ENOMEM.
static void refuse(int which) {
  struct sock_filter filter[CALLS + 3] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
  unsigned short last = 1;
  for (int i = 0; i < CALLS; ++i)
    if (which == ALL || which == i)
      filter[last++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 0);
  for (unsigned short i = 1; i < last; ++i) filter[i].jt = (unsigned char)(last - i);
  filter[last] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  filter[last + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM);
  const struct sock_fprog program = {(unsigned short)(last + 2), filter};
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
  for (int i = 0; i < CALLS; ++i) {  // with nothing to do
    errno = 0;
    const int refused = syscall(calls[i], 0L, 0L, 0L, 0L, 0L, 0L) == -1 && errno == ENOMEM;
    must(refused == (which == ALL || which == i));
  }
}

static const size_t sizes[] = {100, 3000, 100000, 3000000};
enum { KINDS = sizeof sizes / sizeof *sizes, LARGE = KINDS - 1, MOST = 2000 };

struct node {
  struct node* next;
};
// Blocks of that size until there are no more, or many.
static struct node* fill(size_t size) {
  struct node* head = NULL;
  for (int i = 0; i < MOST; ++i) {
    errno = 77;
    struct node* const made = malloc(size);
    must(errno == (made == NULL ? ENOMEM : 77));
    if (made == NULL) break;
    made->next = head;
    head = made;
  }
  return head;
}
static void empty(struct node* head) {
  while (head != NULL) {
    struct node* const next = head->next;
    errno = 77;
    free(head);
    must(errno == 77);
    head = next;
  }
}

static void must_be_sound(void) { must(CALL(trestle_heap_check)(NULL, 0) == 0); }
static int is_filled(const unsigned char* at, size_t bytes, unsigned char with) {
  for (size_t i = 0; i < bytes; ++i)
    if (at[i] != with) return 0;
  return 1;
}

// Null and ENOMEM; or, where only one kind of call is refused, a block.
#define must_refuse(which, expression)           \
  do {                                           \
    errno = 77;                                  \
    void* const made = (expression);             \
    must((which) != ALL || made == NULL);        \
    must(errno == (made == NULL ? ENOMEM : 77)); \
    free(made);                                  \
  } while (0)

static void ask_each_function(int which, size_t bytes, unsigned char* large) {
  must_refuse(which, malloc(bytes));
  must_refuse(which, calloc(3, bytes / 3));
  must_refuse(which, realloc(NULL, bytes));
  must_refuse(which, reallocarray(NULL, 5, bytes / 5));
  must_refuse(which, aligned_alloc(4096, bytes));
  must_refuse(which, memalign(64, bytes));
  must_refuse(which, valloc(bytes));
  must_refuse(which, pvalloc(bytes));
  void* aligned = large;
  errno = 77;
  const int status = posix_memalign(&aligned, 32, bytes);
  must(errno == 77 && (status == 0 || (status == ENOMEM && aligned == large)) && (which != ALL || status != 0));
  if (status == 0) free(aligned);
}

static void live_with(int which) {
  unsigned char* held[KINDS];
  for (size_t i = 0; i < KINDS; ++i) {
    held[i] = malloc(sizes[i]);
    must(held[i] != NULL);
    memset(held[i], (int)i + 1, sizes[i]);
  }
  refuse(which);
  struct node* filled[KINDS];
  for (size_t i = 0; i < KINDS; ++i) filled[i] = fill(sizes[LARGE - i]);
  must_be_sound();
  // More than is made accessible ahead, and no more: where madvise is refused, zeroing makes all of it resident.
  ask_each_function(which, (size_t)80 << 20, held[LARGE]);
  for (size_t i = 0; which == ALL && i < KINDS; ++i) {
    errno = 77;
    must(realloc(held[i], (size_t)200 << 20) == NULL && errno == ENOMEM);
  }
  for (size_t i = 0; i < KINDS; ++i) must(is_filled(held[i], sizes[i], (unsigned char)(i + 1)));
  must_be_sound();
  for (size_t i = 0; i < KINDS; ++i) empty(filled[i]);
  must_be_sound();
  for (size_t i = 0; i < KINDS; ++i) {
    free(held[i]);
    errno = 77;
    unsigned char* const again = calloc(1, sizes[i]);
    // What was made inaccessible by mprotect, as is a large block that was freed, stays so without it.
    const int may_be_gone = i == LARGE && (which == PROTECT || which == ALL);
    must(again != NULL ? errno == 77 : errno == ENOMEM && may_be_gone);
    if (again == NULL) continue;
    must(is_filled(again, sizes[i], 0));
    free(again);
  }
  must_be_sound();
}

int main(void) {
  for (int which = 0; which <= ALL; ++which) {
    const pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
      live_with(which);
      exit(0);
    }
    int status = 0;
    must(waitpid(child, &status, 0) == child);
    if (status != 0) print(STDERR_FILENO, "with call %d refused: status 0x%x\n", which, (unsigned)status);
    must(status == 0);
  }
  return ok();
}
