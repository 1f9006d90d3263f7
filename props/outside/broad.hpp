// A small program that asks for memory in every way and size, and holds the library to its contract while the system refuses
// what it likes: null and ENOMEM or a block, contents kept, errno kept, the heap sound.
#pragma once

namespace outside {

struct Use {
  bool may_fail = true;   // memory may be refused, threads and children not come to be
  bool can_throw = true;  // the C++ runtime has the room that an exception takes where there is no memory
};

// Uses all of it. Ends the process where something does not hold, saying what.
void use_broadly(const Use& use);
// Nothing is refused any more: each size is served, and the heap is sound.
void must_serve_all();

}  // namespace outside
