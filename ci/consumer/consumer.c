/* A C11 program that is linked with Trestle: its malloc is Trestle's, and the heap can be asked about itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trestle/trestle.h>

static int complain(const char* what) {
  fprintf(stderr, "consumer.c: %s\n", what);
  return 1;
}

struct search {
  const void* wanted;
  size_t requested;
};

static int look(const struct trestle_block* block, void* context) {
  struct search* search = context;
  if (block->address != search->wanted) return 0;
  search->requested = block->requested;
  return 1;
}

int main(int argc, char** argv) {
  struct trestle_stats before, after;
  struct trestle_fault fault;
  struct search search = {NULL, 0};
  char* text;
  size_t wanted;

  if (argc != 2) return complain("usage: consumer POLICY");
  if (strcmp(trestle_policy_name(), argv[1]) != 0) return complain(trestle_policy_name());

  trestle_get_stats(&before);
  text = malloc(100);
  trestle_get_stats(&after);
  if (text == NULL) return complain("malloc gave null");
  if (after.allocations <= before.allocations) return complain("malloc is not Trestle's");
  strcpy(text, "served by Trestle");
  if (trestle_malloc_usable_size(text) < 100) return complain("the usable size is less than the request");

  search.wanted = text;
  wanted = strcmp(trestle_policy_name(), "fast") == 0 ? trestle_malloc_usable_size(text) : 100;
  if (trestle_walk(look, &search) != 1 || search.requested != wanted)
    return complain("the walk did not show the block");
  if (trestle_heap_check(&fault, 1) != 0) return complain(fault.text);
  TRESTLE_HEAP_CHECK();
  if (puts(text) == EOF) return complain("stdout is closed");
  free(text);
  return 0;
}
