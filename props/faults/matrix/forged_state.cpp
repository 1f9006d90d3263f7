//: options symbolizer=none
//: by slot live freed never
//: by bit b0 b1 b2 b3 b4 b5 b6 b7
//: finds fast hardened debug: descriptor corrupt
// A bit of a slot's state flipped, seen by a check, which names the slot.
#include "forge.hpp"
#include "matrix.hpp"

using namespace trestle;

// Where the state of the slot lies that is so many behind the live one.
static unsigned char* state_of(const char* slot) {
  const SpanRef<LinuxOs> ref{&region(), region().find(slot), false};
  auto& slab = record_of_span<kHardened>(ref).slab;
  const size_t index = (size_t)(slot - reinterpret_cast<char*>(ref.start())) / served_by(kWays[0], slot, 100);
  return reinterpret_cast<unsigned char*>(&slab.layout().states[index]);
}

int main(int, char** words) {
  char* slot = made(kWays[0], 100);
  must(made(kWays[0], 100) != slot);
  if (is(words[1], "never")) slot += 200 * served_by(kWays[0], slot, 100);
  if (is(words[1], "freed")) free(slot);
  unsigned char* const state = state_of(hidden(slot));
  const auto bit = (unsigned char)(1U << (words[2][1] - '0'));
  trestle_fault fault{};
  *state ^= bit;
  const size_t count = CALL(trestle_heap_check)(&fault, 1);
  *state ^= bit;
  must(count >= 1 && fault.address == slot);
  print(STDOUT_FILENO, "found %s\n", CALL(trestle_fault_name)(fault.kind));
  return ok();
}
