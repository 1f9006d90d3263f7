//: options symbolizer=none
//: unsymbolized
//: by place stack global code mapping wild null_page buffer never_mapped beyond buffer_block never_slot buffer_in_heap
//: by to free delete delete[] free_sized realloc reallocarray malloc_usable_size
//: fault fast hardened debug [stack global code mapping wild null_page buffer buffer_block]: wild pointer in CALL(GIVEN)
//: fault fast hardened debug [never_mapped beyond never_slot]: not a block in CALL(GIVEN)
//: fault fast hardened debug [buffer_in_heap]: interior pointer in CALL(GIVEN)
// A pointer that the heap never gave, to every function that takes one.
#include <sys/mman.h>

#include <trestle/trestle.hpp>

#include "calls.hpp"

alignas(16) static char buffer[16384];
static char global[64];

// The library is loaded, not linked, so its members are found by their names.
template <class Function>
static Function* member(const char* symbol) {
  return reinterpret_cast<Function*>(function(symbol));
}

// A block of a heap of its own in the buffer.
static char* block_in(char* at) {
  void* const heap =
      member<void*(void*, size_t, uint64_t, bool)>("_ZN7trestle10block_heap6createEPvmmb")(at, 16384, 42, false);
  must(heap != nullptr);
  return static_cast<char*>(member<void*(void*, size_t, size_t)>("_ZN7trestle10block_heap8allocateEmm")(heap, 100, 16));
}

static char* place_of(const char* name, char* local) {
  char* const block = made(kWays[0], 4096);
  if (is(name, "stack")) return local;
  if (is(name, "global")) return global;
  if (is(name, "code")) return reinterpret_cast<char*>(&block_in);
  if (is(name, "mapping")) {
    return static_cast<char*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }
  if (is(name, "wild")) return reinterpret_cast<char*>(0x4141414141414140);
  if (is(name, "null_page")) return reinterpret_cast<char*>(16);
  if (is(name, "buffer")) return buffer;
  if (is(name, "buffer_block")) return block_in(buffer);
  if (is(name, "never_mapped")) return block + (1 << 30);
  if (is(name, "beyond")) return block + (1 << 30) + 1;
  if (is(name, "never_slot")) return block + 8 * slot_for(4097);
  char* const within = made(kWays[0], 20000);
  about_live(kWays[0], within, 20000);
  return block_in(within);
}

int main(int, char** words) {
  char local[64] = {0};
  return hand(words[2], place_of(words[1], local));
}
