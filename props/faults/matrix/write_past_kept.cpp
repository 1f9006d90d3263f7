//: options symbolizer=none
//: unsymbolized
//: by size 8B 4KiB 256KiB-1 256KiB 8MiB-1
//: by length by1B by8B by32B by4KiB
//: by seen at_realloc at_neighbour at_check at_exit
//: fault hardened debug [8B 4KiB at_realloc at_neighbour]: write past end in CALL(GIVEN)
//: finds hardened debug [8B 4KiB at_check]: write past end
//: fault debug [8B by1B by8B at_exit]: write past end in the check at exit
//: fault debug [4KiB by1B by8B at_exit]: write past end in the check at exit
//: without debug [8B 4KiB by32B by4KiB at_exit]: more than one block is hit, and each is reported
//: fault hardened debug [256KiB-1 at_realloc]: write past end in CALL(GIVEN)
//: finds hardened debug [256KiB-1 at_check]: write past end
//: finds fast [256KiB-1 by8B by32B by4KiB at_check]: header corrupt
//: fault debug [256KiB-1 by1B at_exit]: write past end in the check at exit
//: without debug [256KiB-1 by8B by32B by4KiB at_exit]: two blocks are hit, and each is reported
//: without fast [256KiB-1 256KiB at_realloc]: the header behind it is hit, and seen when that is next looked at
//: fault fast hardened debug [256KiB-1 by8B by32B by4KiB at_neighbour]: header corrupt in CALL(GIVEN)
//: without fast hardened debug [256KiB-1 by1B at_neighbour]: a block's release does not look at the pad of the one before
//: fault hardened debug [256KiB at_realloc]: write past end in CALL(GIVEN)
//: finds hardened debug [256KiB at_check]: write past end
//: finds fast [256KiB at_check]: header corrupt
//: fault debug [256KiB by1B by8B at_exit]: write past end in the check at exit
//: without debug [256KiB by32B by4KiB at_exit]: two blocks are hit, and each is reported
//: fault fast [256KiB at_neighbour]: header corrupt in CALL(GIVEN)
//: fault hardened debug [256KiB by32B by4KiB at_neighbour]: header corrupt in CALL(GIVEN)
//: without hardened debug [256KiB by1B by8B at_neighbour]: a block's release does not look at the pad of the one before
//: fault hardened debug [8MiB-1 by1B at_realloc]: write past end in CALL(GIVEN)
//: finds hardened debug [8MiB-1 by1B at_check]: write past end
//: fault debug [8MiB-1 by1B at_exit]: write past end in the check at exit
//: without fast hardened debug [8MiB-1 by1B at_neighbour]: it has none
//: without fast hardened debug [8MiB-1 by8B by32B by4KiB]: props/faults/matrix/write_past_end.cpp
// Bytes behind a request overwritten, whose block is not released: seen when it is resized; when its right neighbour is
// released (of a slot, under hardened, where that does not begin a cache line); by a check; and under debug at exit.
#include "overflow.hpp"

static const Way& way = kWays[0];

// The block that the heap has next behind it: a live one, and of a slot, under hardened, one that does not begin a cache line.
static char* neighbour_of(const Overflow& past) {
  return past.block + past.served + (past.served > LARGEST_SLOT ? 16 : 0);
}
static Overflow with_neighbour(size_t size, const char* length) {
  char* made_so_far[64] = {};
  for (char*& block : made_so_far) block = made(way, size);
  for (char* const block : made_so_far) {
    const Overflow past{block, size, bytes_of(length + 2), served_by(way, block, size)};
    char* const next = neighbour_of(past);
    if (is_policy("hardened") && size <= LARGEST_SLOT && (uintptr_t)next % 64 == 0) continue;
    for (char* const other : made_so_far) {
      if (other == next && block < made_so_far[60]) return past;
    }
  }
  return {nullptr, 0, 0, 0};
}

// What is overwritten comes back after a check, so that all is well at exit.
static char kept[4096];

static int check(const Overflow& past) {
  memcpy(kept, past.block + past.size, past.length);
  past.write();
  trestle_fault faults[300];
  const size_t count = CALL(trestle_heap_check)(faults, 300);
  memcpy(past.block + past.size, kept, past.length);
  const void* const wrong = is_fast() ? past.block + kLargestBlock : past.first_wrong();
  for (size_t i = 0; i < count && i < 300; ++i) {
    if (faults[i].address == wrong) print(STDOUT_FILENO, "found %s\n", CALL(trestle_fault_name)(faults[i].kind));
  }
  return ok();
}

static int release_neighbour(const Overflow& past) {
  char* const next = neighbour_of(past);
  print(STDOUT_FILENO, "call free\n");
  give(next);
  const bool is_own_pad_left = past.size + past.length < past.served * 2;
  if (past.size <= LARGEST_SLOT && is_own_pad_left) past.say();
  past.write();
  if (past.size > LARGEST_SLOT) {
    print(STDOUT_FILENO, "evidence ? 0x%zx\n", (size_t)word_at(next - 8));
    concerns(next, 0, 0);  // its header tells no sizes any more
  } else if (!is_own_pad_left) {
    wrong_at(next + past.served - 1);
    concerns(next, is_debug() ? past.size : 0, past.served);
  }
  free(next);
  return ok();
}

static int resize(const Overflow& past) {
  print(STDOUT_FILENO, "call realloc\n");
  give(past.block);
  past.say_and_write();
  must(realloc(hidden(past.block), 3 * past.size) != nullptr);
  return ok();
}

int main(int, char** words) {
  const size_t size = bytes_of(words[1]);
  const Overflow past = size > kLargestBlock ? overflow_of(way, size, words[2]) : with_neighbour(size, words[2]);
  must(past.block != nullptr);
  if (is(words[3], "at_check")) return check(past);
  if (is(words[3], "at_neighbour")) return release_neighbour(past);
  if (is(words[3], "at_realloc")) return resize(past);
  past.say();
  past.write();
  return ok();
}
