//: options symbolizer=none
//: unsymbolized
//: by size 8B 4KiB 256KiB 8MiB
//: by way malloc new[]
//: by at first at7 at8 at100 at1023 at1024 last
//: by seen at_check at_exit at_reuse
//: without fast hardened debug [8B at100 at1023 at1024]: it has no such byte
//: finds hardened [4KiB 256KiB first at7 at8 at100 at1023 at_check]: write after free
//: finds hardened [8B first at7 at8 last at_check]: write after free
//: finds debug [8B first at7 at8 last at_check]: write after free
//: finds debug [4KiB 256KiB at_check]: write after free
//: fault debug [8B first at7 at8 last at_exit]: write after free in the check at exit
//: fault debug [4KiB 256KiB at_exit]: write after free in the check at exit
//: fault hardened [8B first at7 at8 last at_reuse]: write after free in CALL
//: fault hardened [4KiB first at7 at8 at100 at1023 at_reuse]: write after free in CALL
//: fault hardened [256KiB first at7 at8 at100 at1023 at_reuse]: write after free in CALL(GIVEN)
//: without debug [8B at7 at8 at_reuse]: a million others come first, each time
//: fault debug [8B first last at_reuse]: write after free in CALL(GIVEN)
//: fault debug [4KiB 256KiB at_reuse]: write after free in CALL(GIVEN)
//: without fast [256KiB at_reuse]: links and footers may come to lie there
//: fault hardened debug [8MiB at_check]: access after free in CALL
//: without fast hardened debug [8MiB at_exit at_reuse]: the same
//: without fast [8MiB at_check]: its memory is what it was
// A byte written to a freed block, before its memory is used again: seen by a check; at exit; and when the heap wants to use
// it, as a slot by a function that allocates, and when it leaves the quarantine by one that releases. Under hardened in the
// first 1,024 bytes.
#include "matrix.hpp"

static const Way* way;
static size_t size;
static char* wrong;
static const void* released_now;

static size_t offset_of(const char* word) {
  if (is(word, "first")) return 0;
  return is(word, "last") ? size - 1 : (size_t)strtol(word + 2, nullptr, 10);
}

static int check() {
  trestle_fault faults[2];
  const char old = *wrong;
  *wrong = (char)~old;
  const size_t count = CALL(trestle_heap_check)(faults, 2);
  *wrong = old;
  if (count == 0) return ok();
  must(count == 1 && faults[0].address == wrong);
  must(faults[0].expected == (unsigned char)old && faults[0].found == (unsigned char)~old);
  print(STDOUT_FILENO, "found %s\n", CALL(trestle_fault_name)(faults[0].kind));
  return ok();
}

static trestle_fault_action say_given(const trestle_fault*) {
  print(STDOUT_FILENO, "given 0x%zx\n", (size_t)(uintptr_t)released_now);
  return TRESTLE_ACTION_DEFAULT;
}

// Until its memory would be used again, by all that can be told of the policies: 2^20 blocks or 64 MiB wait.
static int use_again() {
  CALL(trestle_set_fault_handler)(say_given);
  const size_t most = (size_t{70} << 20) / size + 2000;
  for (size_t i = 0; i < most && i < 1 << 21; ++i) {
    void* const other = way->make(size);
    released_now = other;
    way->release(other);
  }
  return ok();
}

int main(int, char** words) {
  size = bytes_of(words[1]);
  way = &row_named(kWays, words[2]);
  must(made(*way, size) != nullptr);
  char* const block = made(*way, size);
  must(made(*way, size) != block);
  wrong = block + offset_of(words[3]);
  way->release(block);
  if (size > kLargestBlock) {
    about_refused("write", wrong, block, size, served_by(*way, block, size));
    *wrong = 1;
    return 1;
  }
  if (is(words[4], "at_check")) return check();

  const bool by_free = is_policy("debug") || size > LARGEST_SLOT;
  print(STDOUT_FILENO, "call %s\n", by_free ? way->released : way->made);
  const bool block_retired = size > LARGEST_SLOT && is(words[4], "at_reuse");  // whose header still tells the request
  const bool slot_known = size <= LARGEST_SLOT && is_debug();
  concerns(block, block_retired || slot_known ? size : 0, served_by(*way, block, size));
  evidence((unsigned char)*hidden(wrong), (unsigned char)~*hidden(wrong));
  wrong_at(wrong);
  *hidden(wrong) = (char)~*wrong;
  return is(words[4], "at_reuse") ? use_again() : ok();
}
