//: limit 402653184
// Out of address space: null and ENOMEM, from every size, and the heap stays sound; what is freed can be had again.
#include <errno.h>

#include "support.h"

struct node {
  struct node* next;
};

static struct node* fill(size_t size, size_t* count) {
  struct node* head = NULL;
  for (;;) {
    errno = 0;
    struct node* const made = malloc(size);
    if (made == NULL) break;
    made->next = head;
    head = made;
    ++*count;
  }
  must(errno == ENOMEM);
  return head;
}

static void empty(struct node* head) {
  while (head != NULL) {
    struct node* const next = head->next;
    free(head);
    head = next;
  }
}

static void must_be_sound(void) { must(CALL(trestle_heap_check)(NULL, 0) == 0); }

int main(void) {
  size_t first = 0;
  size_t small = 0;
  struct node* const large = fill(10000000, &first);
  must(first >= 8);
  must_be_sound();
  struct node* const medium = fill(100000, &small);
  struct node* const rest = fill(1000, &small);
  must(small > 0);
  must_be_sound();
  errno = 0;
  must(realloc(large, 20000000) == NULL && errno == ENOMEM);
  must(calloc(1000, 100) == NULL && errno == ENOMEM);
  must(aligned_alloc(4096, 100000) == NULL && errno == ENOMEM);
  must_be_sound();
  empty(rest);
  empty(medium);
  empty(large);
  must_be_sound();
  char* const again = malloc(5000000);
  must(again != NULL);
  memset(again, 1, 5000000);
  free(again);
  must_be_sound();
  return ok();
}
