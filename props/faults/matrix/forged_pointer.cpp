//: options symbolizer=none
//: unsymbolized
//: by place heap_record quarantine descriptor table slab_record slab_states end_header guard large_lead block_header rest
//: by to free delete delete[] free_sized realloc reallocarray malloc_usable_size
//: fault fast hardened debug [heap_record quarantine descriptor table]: wild pointer in CALL(GIVEN)
//: fault fast hardened debug [slab_record slab_states]: wild pointer in CALL(GIVEN)
//: fault fast hardened debug [end_header guard]: not a block in CALL(GIVEN)
//: fault fast hardened debug [large_lead block_header]: interior pointer in CALL(GIVEN)
//: fault fast hardened debug [rest free delete delete[] free_sized]: double free in CALL(GIVEN)
//: fault fast hardened debug [rest realloc reallocarray malloc_usable_size]: stale pointer in CALL(GIVEN)
// A pointer to what the heap keeps about its memory, or into memory that it has not handed out, given to every function that
// takes one.
#include "calls.hpp"
#include "forge.hpp"

using namespace trestle;

static void* place_of(const char* name) {
  char* const slot = made(kWays[0], 100);
  char* const block = made(kWays[0], 100000);
  char* const large = made(kWays[0], 1000000);
  const SpanDescriptor* const span = region().find(large);
  if (is(name, "heap_record")) return &heap();
  if (is(name, "descriptor")) return const_cast<SpanDescriptor*>(span);
  if (is(name, "table")) return &region().heads_[8];
  auto& record = record_of_span<kHardened>(SpanRef<LinuxOs>{&region(), region().find(slot), false});
  if (is(name, "slab_record")) return &record;
  if (is(name, "slab_states")) return reinterpret_cast<char*>(record.slab.layout().states);
  if (is(name, "quarantine")) return &arena().quarantine_;
  print(STDOUT_FILENO, "block ? ? ?\n");  // the block around it, or before it
  std::byte* const end = region().end_of(*region().find(block));
  if (is(name, "block_header")) return block - 16;
  if (is(name, "rest")) return last_free().at + 16;
  if (is(name, "end_header")) return end - 4096;
  if (is(name, "guard")) return end - 4096 + 16;
  must(is(name, "large_lead"));
  return large - 32;
}

int main(int, char** words) { return hand(words[2], place_of(words[1])); }
