//: options symbolizer=none
//: unsymbolized
//: by size 8B 4KiB
//: by length by1B by8B by32B
//: by seen at_left at_check
//: fault hardened debug [at_left]: write past end in CALL(GIVEN)
//: finds hardened debug [at_check]: write past end
// Bytes before a slot that begins a cache line overwritten: under hardened its own release does not look there. They are its
// left neighbour's, whose release says that it has gone too far itself, and so does a check.
#include "overflow.hpp"

static const Way& way = kWays[0];

// The left one of two live neighbours, the right one of which begins a cache line.
static char* left_of_line(size_t size) {
  static char* all[64];
  for (char*& block : all) block = made(way, size);
  for (char* const right : all) {
    const bool at_start = size < 4096 && (uintptr_t)right % 4096 == 0;  // of a slab, below which nothing is
    if ((uintptr_t)right % 64 != 0 || at_start) continue;
    for (char* const left : all) {
      if (left + served_by(way, left, size) == right) return left;
    }
  }
  failed("there are neighbours", __FILE__, __LINE__);
  return nullptr;
}

static int check(const void* wrong) {
  trestle_fault faults[8];
  const size_t count = CALL(trestle_heap_check)(faults, 8);
  for (size_t i = 0; i < count && i < 8; ++i) {
    if (faults[i].address == wrong) print(STDOUT_FILENO, "found %s\n", CALL(trestle_fault_name)(faults[i].kind));
  }
  return ok();
}

int main(int, char** words) {
  const size_t size = bytes_of(words[1]);
  const size_t length = bytes_of(words[2] + 2);
  char* const left = left_of_line(size);
  const size_t served = served_by(way, left, size);
  char* const right = left + served;
  const bool no_pad_left = served - size <= length;
  char* const wrong = right - (no_pad_left ? 1 : length);
  static char kept[32];
  memcpy(kept, right - length, length);
  print(STDOUT_FILENO, "call free\n");
  give(left);
  if (!no_pad_left) evidence((unsigned char)*wrong, 0);
  wrong_at(wrong);
  concerns(left, no_pad_left && !is_debug() ? 0 : size, served);
  memset(hidden(right) - length, 0, length);
  if (is(words[3], "at_left")) free(hidden(left));
  if (is(words[3], "at_check")) check(wrong);
  memcpy(hidden(right) - length, kept, length);
  return is(words[3], "at_left") ? ok() : 0;
}
